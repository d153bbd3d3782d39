import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { EngineClient } from '../../server/engine/engine-client.ts'
import { ownBytes } from '../../server/engine/memory-limit.ts'
import type { EngineEvent } from '../../server/engine/engine-client.ts'
import type { EngineOptions } from '../../server/engine/protocol.ts'
import { engineOptions, openEngine, requestOf } from '../campaign/open-engine.ts'
import { until } from '../helpers/roles.ts'

const HAS_AVX2 = / avx2\b/.test(readFileSync('/proc/cpuinfo', 'utf8'))

const MIB = 2 ** 20
/** Less than any engine takes with its weights: what a leak would come to. */
const TOO_LITTLE = 64 * MIB
/** The weights and an engine at rest fit in. */
const FOR_A_START = 700 * MIB
/** 16 slots of so many tokens take 1.4 GiB of keys and values. */
const LONG = 4096

async function endedBy(memory: number, options: Partial<EngineOptions>): Promise<EngineClient> {
  const events: EngineEvent[] = []
  const client = new EngineClient({
    engine: { ...(await engineOptions('smollm2', {})), ...options },
    report: (event) => events.push(event),
    memory,
  })
  await until(() => events.some(({ event }) => event === 'engine_gone'), 'gone', 60_000)
  expect(events.find(({ event }) => event === 'engine_gone')).toMatchObject({ how: 'memory' })
  return client
}

test('an engine beyond its memory limit is ended with that cause, and started again', async () => {
  const client = await endedBy(TOO_LITTLE, {})
  try {
    const { state, cause } = client.status()
    expect(state).toBe('restarting')
    expect(cause).toMatch(/takes \d+ MiB, expected at most 64 MiB/)
    const answer = client.generate(requestOf([1]), new AbortController().signal)
    await expect(answer.next()).rejects.toMatchObject({ code: 'unavailable' })
    await until(() => client.status().restarts > 0, 'started again', 60_000)
  } finally {
    await client.close()
  }
})

test('an engine whose cache would not fit once it is full is never ready, though it is empty yet', async () => {
  const client = await endedBy(FOR_A_START, { slots: 16, contextSize: LONG })
  try {
    expect(client.status().cause).toMatch(/takes 1\d\d\d MiB, expected at most 700 MiB/)
  } finally {
    await client.close()
  }
})

test.skipIf(!HAS_AVX2)(
  'weights that were packed are not held a second time as pages of their file',
  async () => {
    const { bytes = NaN } = await engineOptions('gemma', {})
    const engine = await openEngine('gemma', { shaping: false })
    try {
      await engine.ask([1000, 2000], { maxTokens: 4 })
      expect(residentOf(engine.client.pid ?? 0, '.gguf')).toBeLessThan(bytes / 4)
      // The control: packed, they are there.
      expect(ownBytes(engine.client.pid ?? 0)).toBeGreaterThan(bytes / 2)
    } finally {
      await engine.close()
    }
  },
)

/** Bytes in memory of a process's mapped files whose name ends so. */
function residentOf(pid: number, ending: string): number {
  const mappings = readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
  const own = mappings.filter((mapping) => mapping.split('\n', 1)[0]?.endsWith(ending))
  expect(own).not.toEqual([])
  return own.reduce((sum, text) => sum + Number(/^Rss:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024, 0)
}
