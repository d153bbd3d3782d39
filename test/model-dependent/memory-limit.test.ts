import { expect, test } from 'vitest'
import { EngineClient } from '../../server/engine/engine-client.ts'
import type { EngineEvent } from '../../server/engine/engine-client.ts'
import { engineOptions, requestOf } from '../campaign/open-engine.ts'
import { until } from '../helpers/roles.ts'

/** Less than any engine takes with its weights: what a leak would come to. */
const TOO_LITTLE = 64 * 2 ** 20

test('an engine beyond its memory limit is ended with that cause, and started again', async () => {
  const events: EngineEvent[] = []
  const client = new EngineClient({
    engine: await engineOptions('smollm2', {}),
    report: (event) => events.push(event),
    memory: TOO_LITTLE,
  })
  try {
    await until(() => events.some(({ event }) => event === 'engine_gone'), 'gone', 60_000)
    const gone = events.find(({ event }) => event === 'engine_gone')
    expect(gone).toMatchObject({ how: 'memory' })
    const { state, cause } = client.status()
    expect(state).toBe('restarting')
    expect(cause).toMatch(/took \d+ MiB, expected at most 64 MiB/)
    const answer = client.generate(requestOf([1]), new AbortController().signal)
    await expect(answer.next()).rejects.toMatchObject({ code: 'unavailable' })
    await until(() => client.status().restarts > 0, 'started again', 60_000)
  } finally {
    await client.close()
  }
})
