import { expect, test } from 'vitest'
import { EngineClient } from '../../server/engine/engine-client.ts'
import type { EngineEvent } from '../../server/engine/engine-client.ts'
import { engineOptions } from '../campaign/open-engine.ts'
import { until } from '../helpers/roles.ts'

test('an accelerator that was asked for and is not there: not ready, with the fix; the CPU serves nothing', async () => {
  const events: EngineEvent[] = []
  const client = new EngineClient({
    engine: await engineOptions('smollm2', { gpu: true }),
    report: (event) => events.push(event),
  })
  try {
    await until(() => events.some(({ event }) => event === 'engine_gone'), 'gone', 60_000)
    expect(client.status()).toMatchObject({ state: 'restarting' })
    expect(client.status().cause).toMatch(
      /ACCELERATOR_MISSING.*resources\.accelerator: expected an accelerator .*Fix: check the node's driver/,
    )
    expect(events.map(({ event }) => event)).not.toContain('engine_ready')
  } finally {
    await client.close()
  }
})
