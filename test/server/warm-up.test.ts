import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemBoundaryOf } from '../../server/engine/boundary.ts'
import { GREEDY } from '../../server/engine/decode-context.ts'
import { ListedPrompts } from '../../server/engine/listed-prompts.ts'
import { Residents } from '../../server/engine/residents.ts'
import { SavedPrefixes } from '../../server/engine/saved-prefixes.ts'
import { SavedSystemPrompts } from '../../server/engine/saved-system-prompts.ts'
import type { StateFiles } from '../../server/engine/state-folder.ts'
import { KeepBudget } from '../../server/engine/keep-budget.ts'
import { WarmUp } from '../../server/engine/warm-up.ts'
import { request } from '../helpers/simulated-engine.ts'
import { until } from '../helpers/roles.ts'
import { nextToken, SimulatedSlots } from '../helpers/simulated-slots.ts'

const maker = { model: 'm', build: 'b', host: 'h', context: 'c' }
const PIECE = 40
const prompts = [1, 2, 3].map((seed) => ({
  adapter: 'none',
  tokens: Array.from({ length: 100 }, (_, at) => (Math.imul(at + 3, seed * 2 + 1) >>> 2) % 7),
}))

let folder = ''
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'serantau-warm-up-'))))
afterEach(() => rmSync(folder, { recursive: true, maxRetries: 5 }))

interface Start {
  slots?: number
  memory?: boolean
  /** Of the listed prompts. */
  state?: string
}

/** One process after another works on the same folder. */
async function start({ slots = 4, memory = false, state = folder }: Start = {}) {
  const context = new SimulatedSlots({ slots, contextSize: 1000, batchSize: 1000 })
  const warnings: unknown[] = []
  const warn = (warning: unknown) => warnings.push(warning)
  const ram = mkdtempSync(join(folder, 'ram-'))
  const saved = await SavedPrefixes.open({
    ...{ folder: ram, maxBytes: memory ? 1e6 : 0, slidingWindow: undefined, files: context },
    ...{ warn, bytesFor: (count) => 2 * count + 1, requireMemory: () => Promise.resolve() },
  })
  let reading: Promise<unknown> = Promise.resolve()
  const files: StateFiles = {
    load: (slot, path) => context.load(slot, path),
    save: (slot, path) => (reading = context.save(slot, path)),
    remove: (path) => context.remove(path),
  }
  const volume = await SavedSystemPrompts.open({ folder: state, maker, files, warn })
  const boundary = systemBoundaryOf({ modelDigest: 'd', adapterDigest: 'none' })
  const listed = new ListedPrompts({ prompts, boundary, volume, slidingWindow: undefined })
  const keeps = new KeepBudget(() => context.nowMs)
  const residents = new Residents(context, { digest: 'd', on: true, saved, listed, keeps })
  const options = { context, residents, listed, memory: saved, now: () => context.nowMs }
  const untilSlotsAreFree = async () => void (await reading)
  const warmUp = new WarmUp({ ...options, untilSlotsAreFree })
  await warmUp.load()
  const free = Array.from({ length: slots }, (_, slot) => slot)
  const evaluated = () =>
    context.steps.flatMap(({ parts }) => parts).reduce((sum, part) => sum + part.tokens.length, 0)
  async function finish(): Promise<void> {
    while (await warmUp.next(PIECE, free, false)) {
      expect(context.steps.at(-1)?.parts[0]?.tokens.length ?? 0).toBeLessThanOrEqual(PIECE)
    }
  }
  /** Tokens of the prompt that a tenant's request found. */
  async function ask(index: number, slot: number, tenant = 'a'): Promise<number> {
    const prompt = [...prompts[index]!.tokens, 6, 5]
    const own = residents.boundaryOf(request({ tenant }))
    const held = await residents.occupy(slot, own, prompt, context.nowMs)
    const sampler = context.takeSampler(GREEDY)
    const due = Uint32Array.from(prompt.slice(held))
    const [[token] = []] = await context.decode([{ slot, position: held, tokens: due, sampler }])
    expect(token).toBe(nextToken(prompt, GREEDY, 0))
    context.returnSampler(sampler)
    residents.extend(slot, due)
    residents.leave(slot, context.nowMs)
    return held
  }
  return { context, residents, listed, warmUp, warnings, free, evaluated, finish, ask }
}

/** Headers come last: as many prompts are on the volume. */
async function untilSaved(count: number): Promise<void> {
  const saved = () => readdirSync(folder).filter((name) => name.endsWith('.json')).length
  while (saved() < count) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('listed prompts', () => {
  test('are evaluated in pieces, once, and then found by every tenant', async () => {
    const { finish, evaluated, ask, warnings, residents } = await start()
    await finish()
    expect(evaluated()).toBe(300)
    expect([await ask(0, 3), await ask(1, 3, 'b'), await ask(2, 3, 'c')]).toEqual([100, 100, 100])
    expect(residents.hits).toEqual({ slot: 300, memory: 0, volume: 0 })
    expect(warnings).toEqual([])
  })

  test('are loaded by the next process, which evaluates none of them', async () => {
    await (await start()).finish()
    await untilSaved(3)
    const { ask, evaluated, warmUp, free } = await start()
    expect(await warmUp.next(PIECE, free, false)).toBe(false)
    expect(evaluated()).toBe(0)
    expect([await ask(0, 3), await ask(1, 3, 'b'), await ask(2, 3, 'c')]).toEqual([100, 100, 100])
  })

  test('beyond the slots are loaded when somebody asks', async () => {
    await (await start()).finish()
    await untilSaved(3)
    const { ask, residents, evaluated, finish } = await start({ slots: 1 })
    await finish()
    expect(evaluated()).toBe(0)
    expect(await ask(2, 0)).toBe(100)
    expect(residents.hits).toMatchObject({ slot: 0, volume: 100 })
    expect(await ask(2, 0, 'b')).toBe(100)
    expect(residents.hits).toMatchObject({ slot: 0, volume: 200 })
  })

  test('are all loaded into memory where there is some', async () => {
    await (await start()).finish()
    await untilSaved(3)
    const { ask, residents } = await start({ slots: 1, memory: true })
    for (const index of [0, 1, 2]) expect(await ask(index, 0)).toBe(100)
    expect(residents.hits).toMatchObject({ volume: 0 })
    expect(residents.hits.memory).toBeGreaterThanOrEqual(200)
  })

  test('whose state is damaged are made anew, and saved again', async () => {
    await (await start()).finish()
    await untilSaved(3)
    const state = readdirSync(folder).find((name) => name.endsWith('.state'))
    writeFileSync(join(folder, state!), '[1,2,3]')
    const second = await start()
    const causes = { truncated: 1 }
    expect(second.warnings).toEqual([{ event: 'system_prompt_states_refused', causes }])
    await second.finish()
    expect(second.evaluated()).toBe(100)
    await untilSaved(3)
    expect((await start()).warnings).toEqual([])
  })

  test('are evaluated and found without a folder that can be used, after one warning', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const { finish, ask, warnings } = await start({ state: file })
    await finish()
    expect(await ask(1, 3)).toBe(100)
    const cause = 'folder_missing'
    expect(warnings).toEqual([{ event: 'system_prompt_cache_off', cause }])
  })

  test('that a request displaced in the middle are begun again', async () => {
    const { warmUp, ask, finish, evaluated } = await start({ slots: 1 })
    await warmUp.next(PIECE, [0], false)
    expect(await ask(1, 0)).toBe(0)
    await finish()
    expect(evaluated()).toBe(PIECE + 102 + 300)
  })

  test('are written to a volume only while nobody is served, and the next is read meanwhile', async () => {
    const { warmUp, context, listed, free } = await start({ slots: 8 })
    const step = async (busy: boolean) => {
      context.nowMs += 1e6
      return await warmUp.next(1000, free, busy)
    }
    const all = listed.missing.size
    for (let turn = 0; turn < all; turn++) expect(await step(true)).toBe(true)
    expect(await step(true)).toBe(false)
    expect([listed.saved.length, listed.missing.size]).toEqual([0, all])
    const read = context.steps.length
    for (let turn = 0; turn < all; turn++) expect(await step(false)).toBe(true)
    await until(() => listed.saved.length === all, 'saved')
    expect([listed.missing.size, context.steps.length]).toEqual([0, read])
  })

  test('hold up busy slots one twentieth of the time at most', async () => {
    const { warmUp, context, evaluated } = await start()
    expect(await warmUp.next(PIECE, [3], true)).toBe(true)
    const took = context.nowMs
    context.nowMs += 19 * took
    expect(await warmUp.next(PIECE, [3], true)).toBe(false)
    context.nowMs += took
    expect(await warmUp.next(PIECE, [3], true)).toBe(true)
    expect(await warmUp.next(PIECE, [], false)).toBe(false)
    expect(evaluated()).toBe(2 * PIECE)
  })
})
