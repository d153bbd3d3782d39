import { fork } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { KitError } from '../../catalog/errors.ts'
import type { Addon } from '../../server/engine/addon.ts'
import { startEarly } from '../../server/engine/early-engine.ts'
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
  const one = new EngineClient({
    engine,
    report,
    memory: undefined,
    quota: 1,
    fork: scripted,
    ...more,
  })
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

test('an engine with less than a core says so once, over restarts too, with the fix', async () => {
  const { client: one, events } = client({ quota: 0.5 })
  await ready(one)
  await expect(ask(one, ANSWERS_AND_ENDS)).rejects.toMatchObject({ code: 'unavailable' })
  await until(() => one.status().state === 'ready' && one.status().restarts === 1, 'again')
  const warned = events.filter(({ event }) => event === 'cpu_below_one_core')
  const fix = expect.stringContaining('raise the CPU limit to 1 or more')
  expect(warned).toEqual([{ event: 'cpu_below_one_core', cause: 'cpu_limit', quota: 0.5, fix }])
})

test('one with a whole core says nothing of it', async () => {
  const { client: one, events } = client({ quota: 1 })
  await ready(one)
  expect(events.map(({ event }) => event)).not.toContain('cpu_below_one_core')
})

describe('a compiled addon that is not the one in use', () => {
  /** What is said of an engine that was started with this addon and runs the prebuilt one. */
  async function saidOf(addon: Addon): Promise<EngineEvent[]> {
    const early = { ...startEarly(scripted(), engine), addon: Promise.resolve(addon) }
    const { client: one, events } = client({ early })
    await ready(one)
    return events.map(({ pid: _, ...event }: EngineEvent & { pid?: number }) => event)
  }

  test('because it does not fit: what was compared, and the fix', async () => {
    const problem = { path: '/addon', expected: 'this CPU', got: 'another', fix: 'build it' }
    const refused = new KitError('ENGINE_ADDON_UNUSABLE', problem)
    const [warning, is] = await saidOf({ kind: 'prebuilt', key: 'p', problem: refused })
    expect(warning).toEqual({
      ...{ event: 'engine_addon_unused', cause: 'refused' },
      detail: '/addon: expected this CPU, got another',
      fix: expect.stringContaining('engine build'),
    })
    expect(is).toEqual({ event: 'engine_ready', addon: 'prebuilt', untouchedMiB: 0 })
  })

  test('because the system could not load it: what it may lack', async () => {
    const [warning, is] = await saidOf({ kind: 'native', key: 'k', stale: false })
    const fix = expect.stringContaining('install libgomp1')
    expect(warning).toEqual({ event: 'engine_addon_unused', cause: 'not_loaded', fix })
    expect(is).toEqual({ event: 'engine_ready', addon: 'prebuilt', untouchedMiB: 0 })
  })

  test('because none was built: nothing', async () => {
    const events = await saidOf({ kind: 'prebuilt', key: 'p' })
    expect(events).toEqual([{ event: 'engine_ready', addon: 'prebuilt', untouchedMiB: 0 }])
  })
})
