import { judge, type Verdict } from './diff.ts'
import { changesBetween, sameWish } from './difference.ts'
import { observe } from './await/observe.ts'
import { fieldManagerOf } from './naming.ts'
import { isAnnotated, keyOfId, typeOfToken } from './object-type.ts'
import { FIELD_MANAGER } from './outputs.ts'
import {
  hasUnknown,
  stringAt,
  unwrapSecrets,
  withoutNulls,
  type JsonObject,
} from './property-value.ts'
import { asApplied } from './secret-data.ts'
import { askInPreview, type Session } from './session.ts'

export interface DiffRequest {
  urn: string
  token: string
  id: string
  olds: JsonObject
  oldInputs: JsonObject
  news: JsonObject
}

/** The verdict from the inputs alone, and from the cluster where only that can tell. */
export async function compare(session: Session, request: DiffRequest): Promise<Verdict> {
  const [before, after] = comparable(
    unwrapSecrets(request.oldInputs).plain as JsonObject,
    unwrapSecrets(request.news).plain as JsonObject,
  )
  const type = typeOfToken(request.token)
  const verdict = judge(type, before, after, session.config.mutable)
  if (verdict.changes.length === 0) return replaceIfUnready(session, request, after, verdict)
  if (await changesNothing(session, request, after)) {
    return { changes: [], deleteBeforeReplace: false }
  }
  return verdict
}

/** An imported Secret has only `data`: the same content as `stringData` is no change. */
function comparable(before: JsonObject, after: JsonObject): [JsonObject, JsonObject] {
  const [old, wanted] = [asApplied(before), asApplied(after)]
  const same = changesBetween(old['data'] ?? null, wanted['data'] ?? null).length === 0
  return same ? [old, wanted] : [before, after]
}

/**
 * Inputs may differ and ask for the same: an imported object has the server's defaults among them,
 * "0.1" is "100m", an empty list is none. Only a dry run can tell.
 */
async function changesNothing(
  session: Session,
  request: DiffRequest,
  after: JsonObject,
): Promise<boolean> {
  if (hasUnknown(after)) return false
  const key = keyOfId(typeOfToken(request.token), request.id)
  const fieldManager = stringAt(request.olds, FIELD_MANAGER) ?? fieldManagerOf(request.urn)
  const same = await askInPreview(session, async (client) => {
    const live = await client.get(key)
    if (!live) return false
    const wanted = asApplied(withoutNulls(after) as JsonObject)
    const options = { fieldManager, force: true, dryRun: true }
    return sameWish(live, (await client.apply(wanted, key, options)).live)
  }).catch(() => false)
  return same ?? false
}

/** `pulumi.com/replaceUnready`: a Job that failed is made anew although nothing was changed. */
async function replaceIfUnready(
  session: Session,
  request: DiffRequest,
  after: JsonObject,
  verdict: Verdict,
): Promise<Verdict> {
  if (!request.token.endsWith(':Job') || !isAnnotated(after, 'pulumi.com/replaceUnready')) {
    return verdict
  }
  const key = keyOfId(typeOfToken(request.token), request.id)
  const ready = await askInPreview(session, async (client) => {
    const live = await client.get(key)
    return live ? (await observe(live, client)).ready : false
  })
  if (ready !== false) return verdict
  return {
    changes: [{ path: ['status'], kind: 'update', replace: true }],
    deleteBeforeReplace: true,
  }
}
