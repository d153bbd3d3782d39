import { setTimeout as sleep } from 'node:timers/promises'
import { UnreachableError, type ApiClient } from '../api-client.ts'
import { describeKey, typeOf, type ObjectKey } from '../object-type.ts'
import { stringAt, type JsonObject } from '../property-value.ts'
import { observe } from './observe.ts'
import type { Readiness } from './readiness.ts'

const FIRST_PAUSE_MS = 150
const LONGEST_PAUSE_MS = 1000

/** The object is there but not ready; `live` is what was last seen of it. */
export class NotReadyError extends Error {
  readonly live: JsonObject
  readonly reasons: string[]
  constructor(message: string, live: JsonObject, reasons: string[]) {
    super(message)
    this.live = live
    this.reasons = reasons
  }
}

export interface AwaitOptions {
  timeoutMs: number
  signal: AbortSignal
  onStatus: (status: string, problems: readonly string[]) => void
}

/** Waits by the rule of the object's kind; returns it as last seen, or throws NotReadyError. */
export async function untilReady(
  client: ApiClient,
  key: ObjectKey,
  first: JsonObject,
  options: AwaitOptions,
): Promise<JsonObject> {
  const deadline = Date.now() + options.timeoutMs
  let live = first
  let said = ''
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
    const { readiness, seen } = await look(client, key, live)
    live = seen
    if (readiness.ready) return live
    const line = [readiness.status, ...readiness.problems].join('; ')
    if (line !== said) options.onStatus(readiness.status, readiness.problems)
    said = line
    const ending = endOf(readiness, deadline, options)
    if (ending) {
      const reasons = [...readiness.problems, ...(await lastEvents(client, key, live))]
      throw new NotReadyError(`${describeKey(key)} ${ending}`, live, reasons)
    }
    await sleep(pause, undefined, { signal: options.signal }).catch(() => undefined)
  }
}

function endOf(readiness: Readiness, deadline: number, options: AwaitOptions): string | undefined {
  if (options.signal.aborted) return `was cancelled while ${readiness.status}`
  if (readiness.hopeless) return `did not become ready: ${readiness.status}`
  if (Date.now() < deadline) return undefined
  const seconds = Math.round(options.timeoutMs / 1000)
  return `did not become ready within ${seconds} s: ${readiness.status}`
}

async function look(
  client: ApiClient,
  key: ObjectKey,
  before: JsonObject,
): Promise<{ readiness: Readiness; seen: JsonObject }> {
  try {
    const live = await client.get(key)
    if (!live) {
      const gone = `${describeKey(key)} was deleted by someone else while waiting for it`
      throw new NotReadyError(gone, before, [gone])
    }
    return { readiness: await observe(live, client), seen: live }
  } catch (error) {
    // A cluster that restarts may be away for a while; the deadline decides.
    if (!(error instanceof UnreachableError)) throw error
    return {
      readiness: { ready: false, status: error.message, problems: [error.message] },
      seen: before,
    }
  }
}

/** What the cluster's controllers said last about the object, newest first. */
async function lastEvents(client: ApiClient, key: ObjectKey, live: JsonObject): Promise<string[]> {
  const uid = stringAt(live, 'metadata', 'uid')
  const events = await client
    .list(typeOf('v1', 'Event'), key.namespace ?? 'default')
    .catch(() => [])
  const own = events
    .filter((event) => stringAt(event, 'involvedObject', 'uid') === uid)
    .filter(
      (event) => stringAt(event, 'type') === 'Warning' || key.kind === 'PersistentVolumeClaim',
    )
    .map((event) => `${stringAt(event, 'reason') ?? ''}: ${stringAt(event, 'message') ?? ''}`)
  return [...new Set(own)].slice(-3)
}
