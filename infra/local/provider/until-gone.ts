import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from './api-client.ts'
import { conditionOf, explain } from './await/readiness.ts'
import { describeKey, type ObjectKey } from './object-type.ts'
import { isObject, listAt, stringAt, type JsonObject } from './property-value.ts'

const PAUSE_MS = 250

export interface GoneOptions {
  seconds: number
  signal: AbortSignal
}

/** Waits until the object, or at least this one of its name, is gone; else says what holds it. */
export async function untilGone(
  client: ApiClient,
  key: ObjectKey,
  uid: string | undefined,
  options: GoneOptions,
): Promise<void> {
  const deadline = Date.now() + options.seconds * 1000
  for (;;) {
    const live = await client.get(key)
    if (!live || stringAt(live, 'metadata', 'uid') !== uid) return
    if (options.signal.aborted) throw new Error(`deleting ${describeKey(key)} was cancelled`)
    if (Date.now() > deadline) {
      throw new Error(
        `${describeKey(key)} is still there ${options.seconds} s after its deletion was asked for: ${holdersOf(live)}`,
      )
    }
    await sleep(PAUSE_MS, undefined, { signal: options.signal }).catch(() => undefined)
  }
}

/** What keeps a deleted object alive. */
function holdersOf(live: JsonObject): string {
  const finalizers = [
    ...listAt(live, 'metadata', 'finalizers'),
    ...listAt(live, 'spec', 'finalizers'),
  ].map(String)
  const content = conditionOf(live, 'NamespaceContentRemaining')
  const said = isObject(content) ? [explain(content)] : []
  const held = finalizers.length > 0 ? [`finalizers ${finalizers.join(', ')} hold it`] : []
  return [...held, ...said].join('; ') || 'nothing says why'
}
