import { fork } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { EngineClient } from '../../server/engine/engine-client.ts'
import type { EngineClientOptions, EngineEvent } from '../../server/engine/engine-client.ts'
import type { GenerateRequest } from '../../server/engine/engine.ts'
import { until } from '../helpers/roles.ts'
import { ANSWERS, ANSWERS_AND_ENDS, ENDS, HANGS } from '../helpers/scripted-engine-process.ts'
import { request } from '../helpers/simulated-engine.ts'

const SCRIPT = join(import.meta.dirname, '..', 'helpers', 'scripted-engine-process.ts')
const engine = {
  ...{ file: 'none', contextSize: 64, slots: 1, threads: 1, gpu: false, digest: 'd' },
  ...{ maxQueued: 1, firstTokenMs: 1000, interTokenMs: 100 },
}
const scripted = () =>
  fork(SCRIPT, [], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })

const open: EngineClient[] = []
afterEach(async () => {
  for (const client of open.splice(0)) await client.close()
})

function client(more: Partial<EngineClientOptions> = {}) {
  const events: EngineEvent[] = []
  const report = (event: EngineEvent) => void events.push(event)
  const one = new EngineClient({ engine, report, memory: undefined, fork: scripted, ...more })
  open.push(one)
  const delays = () =>
    events.flatMap((event) => ('restartInMs' in event ? [event.restartInMs] : []))
  return { client: one, events, delays }
}

const ready = (one: EngineClient) => until(() => one.status().state === 'ready', 'ready')
async function ask(one: EngineClient, what: number): Promise<string> {
  let text = ''
  const asked: GenerateRequest = request({ prompt: [what] })
  for await (const piece of one.generate(asked, AbortSignal.timeout(20_000))) text += piece.text
  return text
}

test('an engine that served restarts at once, however often it ends', async () => {
  const { client: one, delays } = client()
  for (let ends = 1; ends <= 4; ends++) {
    await ready(one)
    await expect(ask(one, ANSWERS_AND_ENDS)).rejects.toMatchObject({ code: 'unavailable' })
  }
  expect(new Set(delays())).toEqual(new Set([250]))
  await ready(one)
  expect(await ask(one, ANSWERS)).toBe('a')
})

test('one that never served restarts later and later, and clients hear how long it takes', async () => {
  const { client: one, delays } = client()
  for (let ends = 1; ends <= 3; ends++) {
    await ready(one)
    await expect(ask(one, ENDS)).rejects.toMatchObject({ code: 'unavailable' })
  }
  expect(delays()).toEqual([500, 1000, 2000])
  // Two seconds until it starts, and what a start takes.
  await expect(ask(one, ANSWERS)).rejects.toMatchObject({ code: 'unavailable' })
  const refused = await ask(one, ANSWERS).catch((error: unknown) => error)
  expect((refused as { retryAfterS: number }).retryAfterS).toBeGreaterThanOrEqual(2)
})

test('a probe is answered by a step; by none where the engine hangs, which is then ended', async () => {
  let skipMs = 0
  const now = () => performance.now() + skipMs
  const { client: one, events } = client({ now })
  await ready(one)
  expect(await one.probe(5000)).toBe(true)
  const lost = expect(ask(one, HANGS)).rejects.toMatchObject({ code: 'unavailable' })
  expect(await one.probe(200)).toBe(false)
  one.look()
  expect(events.map(({ event }) => event)).not.toContain('engine_gone')
  skipMs = 601_000
  one.look()
  await lost
  expect(events.find(({ event }) => event === 'engine_gone')).toMatchObject({ how: 'hung' })
  await ready(one)
  expect(await ask(one, ANSWERS)).toBe('a')
})

test('an idle engine is never taken for one that hangs', async () => {
  let skipMs = 0
  const { client: one, events } = client({ now: () => performance.now() + skipMs })
  await ready(one)
  expect(await ask(one, ANSWERS)).toBe('a')
  skipMs = 3_600_000
  one.look()
  // Nor one that was just asked after a long rest.
  const asked = ask(one, HANGS).catch(() => undefined)
  one.look()
  expect(await one.probe(100)).toBe(false)
  expect(events.map(({ event }) => event)).not.toContain('engine_gone')
  await one.close()
  await asked
})

test('a probe that is answered too late is over all the same', async () => {
  let skipMs = 0
  const { client: one, events } = client({ now: () => performance.now() + skipMs })
  await ready(one)
  expect(await one.probe(1)).toBe(false)
  // Its answer came while this one was on its way.
  expect(await one.probe(5000)).toBe(true)
  skipMs = 3_600_000
  one.look()
  expect(await ask(one, ANSWERS)).toBe('a')
  expect(events.map(({ event }) => event)).not.toContain('engine_gone')
})

test('a process that cannot be had is tried again', async () => {
  let tries = 0
  const failing = () => {
    if (++tries <= 2) throw new Error('spawn ENOMEM')
    return scripted()
  }
  const { client: one, events } = client({ fork: failing })
  expect(one.status()).toMatchObject({ state: 'restarting' })
  await ready(one)
  expect(events[0]).toMatchObject({ event: 'engine_gone', how: 'start' })
  expect(await ask(one, ANSWERS)).toBe('a')
})
