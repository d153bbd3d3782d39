import { ApiError, type ApiClient } from './api-client.ts'
import { isWaitedFor, observe } from './await/observe.ts'
import { NotReadyError, untilReady } from './await/until-ready.ts'
import { fieldManagerOf } from './naming.ts'
import {
  annotation,
  describeKey,
  idOf,
  isAnnotated,
  keyOfObject,
  type ObjectKey,
} from './object-type.ts'
import { asPreviewed, FIELD_MANAGER, markAllSecrets, outputsOf } from './outputs.ts'
import {
  hasUnknown,
  listAt,
  stringAt,
  unwrapSecrets,
  withoutNulls,
  type JsonObject,
} from './property-value.ts'
import { asApplied } from './secret-data.ts'
import { askInPreview, clientOf, type Session } from './session.ts'
import { untilGone } from './until-gone.ts'

const DEFAULT_TIMEOUT_S = 600

/** The object is in the cluster, but did not become ready: the state keeps it, the next update goes on. */
export class InitFailedError extends Error {
  readonly id: string
  readonly outputs: JsonObject
  readonly inputs: JsonObject
  readonly reasons: string[]
  constructor(
    message: string,
    id: string,
    found: { outputs: JsonObject; inputs: JsonObject },
    reasons: string[],
  ) {
    super(message)
    this.id = id
    this.outputs = found.outputs
    this.inputs = found.inputs
    this.reasons = reasons
  }
}

export interface ApplyRequest {
  urn: string
  /** As the engine sent them, with secret boxes. */
  inputs: JsonObject
  /** State of the object before, for an update. */
  olds?: JsonObject
  preview: boolean
  /** Seconds of customTimeouts, 0: none. */
  timeout: number
}

export async function applyObject(
  session: Session,
  request: ApplyRequest,
): Promise<{ id: string; outputs: JsonObject }> {
  const { plain, secrets } = unwrapSecrets(request.inputs)
  const inputs = plain as JsonObject
  const object = withoutNulls(inputs) as JsonObject
  const key = keyOfObject(object)
  const manager = stringAt(request.olds, FIELD_MANAGER) ?? fieldManagerOf(request.urn)
  const wish: Wish = { object, key, manager, isNew: request.olds === undefined }
  if (request.preview) {
    const shown = await previewOf(session, wish)
    return { id: idOf(object), outputs: markAllSecrets(shown, inputs, secrets) }
  }
  const live = await write(session, clientOf(session), wish, false)
  const id = idOf(live)
  const ready = await waitFor(session, request, wish, live).catch((error: unknown) => {
    if (!(error instanceof NotReadyError)) throw error
    const outputs = outputsOf(error.live, inputs, secrets, manager)
    throw new InitFailedError(error.message, id, { outputs, inputs: request.inputs }, error.reasons)
  })
  return { id, outputs: outputsOf(ready, inputs, secrets, manager) }
}

interface Wish {
  object: JsonObject
  key: ObjectKey
  manager: string
  isNew: boolean
}

async function previewOf(session: Session, wish: Wish): Promise<JsonObject> {
  if (hasUnknown(wish.object)) return asPreviewed(wish.object)
  const dryRun = async (client: ApiClient) => {
    try {
      // To be deleted before its replacement is made: a dry run would meet the old one.
      if (wish.isNew && isManagedBy(await client.get(wish.key), wish.manager)) return undefined
      return await write(session, client, wish, true)
    } catch (error) {
      // Its namespace or its kind comes with the same update.
      if (error instanceof ApiError && error.status === 404) return undefined
      throw error
    }
  }
  const answer = await askInPreview(session, dryRun)
  if (!answer) return asPreviewed(wish.object)
  return wish.isNew ? asPreviewed(answer) : answer
}

const isManagedBy = (live: JsonObject | undefined, manager: string): boolean =>
  listAt(live, 'metadata', 'managedFields').some((row) => stringAt(row, 'manager') === manager)

async function write(
  session: Session,
  client: ApiClient,
  wish: Wish,
  dryRun: boolean,
): Promise<JsonObject> {
  const { object, key, manager } = wish
  const mustBeNew = wish.isNew && !session.config.upsert
  if (mustBeNew) await requireAbsent(session, client, wish, dryRun)
  const force = session.config.patchForce || isAnnotated(object, 'pulumi.com/patchForce')
  const options = { fieldManager: manager, force, dryRun, signal: session.signal }
  const { live, created } = await client
    .apply(asApplied(object), key, options)
    .catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 409) throw explainConflict(error)
      throw error
    })
  if (mustBeNew && !created) throw alreadyExists(key)
  return live
}

/** An object that is being deleted, perhaps for this very replacement, is waited out. */
async function requireAbsent(
  session: Session,
  client: ApiClient,
  { object, key }: Wish,
  dryRun: boolean,
): Promise<void> {
  const live = await client.get(key, session.signal)
  if (!live) return
  if (!stringAt(live, 'metadata', 'deletionTimestamp')) throw alreadyExists(key)
  if (dryRun) return
  const seconds = timeoutOf(object, 0)
  const options = { seconds, signal: session.signal }
  await untilGone(client, key, stringAt(live, 'metadata', 'uid'), options)
}

function alreadyExists(key: ObjectKey): Error {
  return new Error(
    `${describeKey(key)} already exists and is not in this stack's state. Fix: import it (pulumi import), delete it, or choose another name`,
  )
}

function explainConflict(error: ApiError): Error {
  return new Error(
    `${error.message}. Another field manager changed these fields. Fix: leave them out of the program, or set the annotation pulumi.com/patchForce: "true" to take them back`,
  )
}

async function waitFor(
  session: Session,
  request: ApplyRequest,
  wish: Wish,
  live: JsonObject,
): Promise<JsonObject> {
  if (!isWaitedFor(wish.object)) return live
  return untilReady(clientOf(session), wish.key, live, {
    timeoutMs: timeoutOf(wish.object, request.timeout) * 1000,
    signal: session.signal,
    onStatus: (status, problems) => {
      const severity = problems.length > 0 ? 'warning' : 'info'
      const line = [status, ...problems.slice(0, 1)].join('; ')
      void session.log.status(line, request.urn, severity)
    },
  })
}

/** Seconds: customTimeouts, else the annotation, else ten minutes. */
export function timeoutOf(object: JsonObject, custom: number): number {
  if (custom > 0) return custom
  const wished = Number(annotation(object, 'pulumi.com/timeoutSeconds'))
  return Number.isFinite(wished) && wished > 0 ? wished : DEFAULT_TIMEOUT_S
}

/** For a refresh: why an object that is there is not ready now. */
export async function problemsNow(session: Session, live: JsonObject): Promise<string[]> {
  if (!isWaitedFor(live)) return []
  const readiness = await observe(live, clientOf(session))
  if (readiness.ready) return []
  return readiness.problems.length > 0 ? readiness.problems : [readiness.status]
}
