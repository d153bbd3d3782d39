import { setTimeout as sleep } from 'node:timers/promises'
import { UnreachableError, type ApiClient } from './api-client.ts'
import { timeoutOf } from './apply.ts'
import { conditionOf, explain } from './await/readiness.ts'
import { isWaitedFor } from './await/observe.ts'
import { annotation, describeKey, keyOfId, typeOfToken, type ObjectKey } from './object-type.ts'
import { isObject, listAt, stringAt, unwrapSecrets, type JsonObject } from './property-value.ts'
import { clientOf, type Session } from './session.ts'

const PAUSE_MS = 250
const POLICIES: Readonly<Record<string, string>> = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
}

export interface DeleteRequest {
  urn: string
  token: string
  id: string
  inputs: JsonObject
  timeout: number
}

/** Deletes with all that depends on the object, and returns once it is gone. */
export async function deleteObject(session: Session, request: DeleteRequest): Promise<void> {
  const client = clientOf(session)
  const inputs = unwrapSecrets(request.inputs).plain as JsonObject
  const apiVersion = stringAt(inputs, 'apiVersion')
  const type = { ...typeOfToken(request.token), ...(apiVersion ? { apiVersion } : {}) }
  const key = keyOfId(type, request.id)
  try {
    const live = await client.get(key)
    if (!live) return
    const wish = annotation(inputs, 'pulumi.com/deletionPropagationPolicy')?.toLowerCase()
    const policy = POLICIES[wish ?? 'foreground'] ?? 'Foreground'
    if (!(await client.remove(key, policy))) return
    if (!isWaitedFor(inputs)) return
    await untilGone(session, client, key, live, { ...request, inputs })
  } catch (error) {
    const isServed = (error as { reason?: string }).reason !== 'NoMatch'
    if (!isServed) return
    if (!(error instanceof UnreachableError) || !session.config.deleteUnreachable) throw error
    await session.log.log(
      'warning',
      `${describeKey(key)} is forgotten: ${error.message}`,
      request.urn,
    )
  }
}

async function untilGone(
  session: Session,
  client: ApiClient,
  key: ObjectKey,
  first: JsonObject,
  request: DeleteRequest,
): Promise<void> {
  const seconds = timeoutOf(request.inputs, request.timeout)
  const deadline = Date.now() + seconds * 1000
  const uid = stringAt(first, 'metadata', 'uid')
  void session.log.status('waiting until it is gone', request.urn)
  for (;;) {
    const live = await client.get(key)
    // Another object of the same name is not ours any more.
    if (!live || stringAt(live, 'metadata', 'uid') !== uid) return
    if (session.signal.aborted) throw new Error(`deleting ${describeKey(key)} was cancelled`)
    if (Date.now() > deadline) {
      throw new Error(
        `${describeKey(key)} is still there ${seconds} s after its deletion was asked for: ${holdersOf(live).join('; ')}`,
      )
    }
    await sleep(PAUSE_MS, undefined, { signal: session.signal }).catch(() => undefined)
  }
}

/** What keeps a deleted object alive. */
function holdersOf(live: JsonObject): string[] {
  const finalizers = [
    ...listAt(live, 'metadata', 'finalizers'),
    ...listAt(live, 'spec', 'finalizers'),
  ].map(String)
  const content = conditionOf(live, 'NamespaceContentRemaining')
  const said = isObject(content) ? [explain(content)] : []
  const held = finalizers.length > 0 ? [`finalizers ${finalizers.join(', ')} hold it`] : []
  return [...held, ...said].length > 0 ? [...held, ...said] : ['nothing says why']
}
