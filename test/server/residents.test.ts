import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Boundary } from '../../server/engine/boundary.ts'
import { GREEDY } from '../../server/engine/decode-context.ts'
import { KeepBudget } from '../../server/engine/keep-budget.ts'
import { Residents } from '../../server/engine/residents.ts'
import { SavedPrefixes } from '../../server/engine/saved-prefixes.ts'
import { request } from '../helpers/simulated-engine.ts'
import { nextToken, SimulatedSlots } from '../helpers/simulated-slots.ts'

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'serantau-residents-'))))
afterAll(() => rmSync(folder, { recursive: true }))

const tokens = (length: number, seed = 1) =>
  Array.from({ length }, (_, at) => (Math.imul(at + 3, seed * 2 + 1) >>> 2) % 7)

interface Setup {
  slots?: number
  /** Bytes of the RAM tier; 0: none. */
  memory?: number
  slidingWindow?: number | undefined
  on?: boolean
}

async function setUp({ slots = 4, memory = 0, slidingWindow, on = true }: Setup = {}) {
  const context = new SimulatedSlots({ slots, contextSize: 1000, batchSize: 1000 })
  context.slidingWindow = slidingWindow
  const saved = await SavedPrefixes.open({
    ...{ folder, maxBytes: memory, slidingWindow, files: context },
    ...{ bytesFor: (count: number) => 2 * count + 1, requireMemory: () => Promise.resolve() },
    warn: (warning) => expect(warning).toBeUndefined(),
  })
  const keeps = new KeepBudget(() => context.nowMs)
  const residents = new Residents(context, { digest: 'd', on, saved, slidingWindow, keeps })
  const sampler = context.takeSampler(GREEDY)
  let nowMs = 0
  /** Evaluates what is not held of `prompt`, checks the next token and leaves. */
  async function finish(slot: number, prompt: readonly number[], held: number): Promise<void> {
    const due = Uint32Array.from(prompt.slice(held))
    const [[token] = []] = await context.decode([{ slot, position: held, tokens: due, sampler }])
    expect(token).toBe(nextToken(prompt, GREEDY, 0))
    residents.extend(slot, due)
    residents.leave(slot, nowMs)
  }
  /** Tokens of `prompt` that were held. */
  async function ask(slot: number, boundary: Boundary, prompt: readonly number[]): Promise<number> {
    const held = await residents.occupy(slot, boundary, prompt, ++nowMs)
    await finish(slot, prompt, held)
    return held
  }
  const tenant = (name: string) => residents.boundaryOf(request({ tenant: name }))
  return { context, residents, saved, keeps, ask, finish, tenant }
}

describe('a newcomer', () => {
  test('gets its own back from memory where that holds one and there is one slot', async () => {
    const { ask, tenant } = await setUp({ slots: 1, memory: 250 })
    const [one, other] = [tokens(100), tokens(100).map((token) => token + 1)]
    await ask(0, tenant('a'), one)
    await ask(0, tenant('b'), other)
    // What is displaced by it must not displace it.
    expect(await ask(0, tenant('a'), one)).toBe(99)
  })

  test('displaces what is held without a save where that would hold up others', async () => {
    const { ask, tenant, context, keeps, saved } = await setUp({ memory: 10_000 })
    const save = context.save.bind(context)
    context.save = (slot, path) => {
      context.nowMs += 50
      return save(slot, path)
    }
    for (const slot of [0, 1, 2]) await ask(slot, tenant('a'), [slot, ...tokens(100)])
    keeps.renew(30)
    await ask(0, tenant('b'), tokens(80))
    // The first tells what a save takes, and took all the time that was there.
    await ask(1, tenant('b'), [1, ...tokens(80)])
    expect(saved.stats().entries).toBe(1)
    keeps.renew(30)
    await ask(1, tenant('b'), [2, ...tokens(80)])
    expect(saved.stats().entries).toBe(1)
    keeps.renew(60)
    await ask(2, tenant('b'), [3, ...tokens(80)])
    expect(saved.stats().entries).toBe(2)
  })

  test('finds what is held in its own slot, in an idle one and in a busy one', async () => {
    const { ask, residents, context, tenant, finish } = await setUp()
    const [one, own] = [tokens(100), tenant('a')]
    expect(await ask(0, own, one)).toBe(0)
    expect(await ask(0, own, [...one, 1, 2])).toBe(100)
    expect(context.copies).toBe(0)
    expect(await ask(2, own, [...one.slice(0, 60), 6, 6])).toBe(60)
    // Slot 0 is busy, and goes on after it was copied from.
    const busy = [...one, 1, 2, 3]
    const held = await residents.occupy(0, own, busy, 50)
    expect(await residents.occupy(3, own, busy, 51)).toBe(held)
    await finish(3, busy, held)
    await finish(0, busy, held)
  })

  test('evaluates its last token even where all is held, and short prefixes wholly', async () => {
    const { ask, tenant } = await setUp()
    const own = tenant('a')
    await ask(0, own, tokens(100))
    expect(await ask(1, own, tokens(100))).toBe(99)
    expect(await ask(2, own, [...tokens(16), 6])).toBe(16)
    // Parts from all of them at its 16th token.
    const other = (tokens(100)[15]! + 1) % 7
    expect(await ask(3, own, [...tokens(15), other, 1, 2])).toBe(0)
  })

  test('finds nothing where nothing is kept', async () => {
    const { ask, tenant, residents } = await setUp({ on: false })
    await ask(0, tenant('a'), tokens(100))
    expect(residents.lengthOf(0)).toBe(0)
    expect(await ask(0, tenant('a'), tokens(100))).toBe(0)
  })

  test('gets back from memory what another took the place of', async () => {
    const { ask, tenant, residents } = await setUp({ slots: 1, memory: 10_000 })
    const own = tenant('a')
    await ask(0, own, tokens(200))
    await ask(0, tenant('b'), tokens(200))
    expect(residents.cachedTokens(own, [...tokens(200), 1])).toBe(200)
    expect(await ask(0, own, [...tokens(200), 1])).toBe(200)
    expect(residents.hits).toEqual({ slot: 0, memory: 200, volume: 0 })
  })

  test('is not loaded over a slot that is still to be copied', async () => {
    const { ask, finish, tenant, residents } = await setUp({ slots: 3, memory: 10_000 })
    const own = tenant('a')
    const [kept, shared] = [tokens(300, 5), tokens(100, 2)]
    await ask(0, own, kept)
    await ask(0, own, shared)
    expect(residents.cachedTokens(own, [...kept, 1])).toBe(300)
    // The copy is made by the next decode: until then slot 0 must stay as it is.
    expect(await residents.occupy(1, own, [...shared, 1], 90)).toBe(100)
    const instead = await residents.occupy(0, own, [...kept, 1], 91)
    await finish(1, [...shared, 1], 100)
    await finish(0, [...kept, 1], instead)
  })

  test('with a prompt that ends inside the window of a loaded state evaluates it anew', async () => {
    const { ask, tenant } = await setUp({ slots: 1, memory: 10_000, slidingWindow: 20 })
    const own = tenant('a')
    await ask(0, own, tokens(100))
    await ask(0, tenant('b'), tokens(100))
    // One token less than was saved: its last one must be evaluated, and misses cells before it.
    expect(await ask(0, own, tokens(99))).toBe(0)
    await ask(0, tenant('b'), tokens(100, 3))
    expect(await ask(0, own, tokens(100))).toBe(99)
    expect(await ask(0, own, tokens(99))).toBe(0)
  })
})

test.each(['copied', 'moved'])('what was %s after it was loaded misses as much', async (how) => {
  const { ask, tenant, residents } = await setUp({ memory: 10_000, slidingWindow: 20 })
  const [own, other] = [tenant('a'), tenant('b')]
  await ask(0, own, tokens(100))
  await ask(0, other, tokens(100, 3))
  expect(await ask(0, own, [...tokens(100), 1])).toBe(100)
  if (how === 'moved') await residents.move(0, 1, 9)
  else expect(await ask(1, own, [...tokens(100), 2])).toBe(100)
  await ask(0, other, tokens(100, 4))
  expect(await ask(2, own, [...tokens(60), 6, 6])).toBe(0)
})

test('what moves is held in both places, and by the other tenant in none', async () => {
  const { ask, finish, tenant, residents } = await setUp({ slots: 3 })
  await ask(2, tenant('a'), tokens(50))
  await ask(0, tenant('b'), tokens(50, 2))
  await residents.move(2, 0, 9)
  expect(residents.lengthOf(0)).toBe(50)
  await finish(0, [...tokens(50), 3], 50)
  expect(await ask(1, tenant('b'), tokens(50, 2))).toBe(0)
  expect(await ask(2, tenant('a'), [...tokens(50), 4])).toBe(50)
})

test('whatever was held where: each next token is that of a prompt read alone', async () => {
  const prompt = fc
    .record({
      seed: fc.integer({ min: 1, max: 3 }),
      shared: fc.integer({ min: 0, max: 150 }),
      own: fc.array(fc.nat(6), { minLength: 1, maxLength: 30 }),
    })
    .map(({ seed, shared, own }) => [...tokens(shared, seed), ...own])
  const group = fc.array(
    fc.record({ slot: fc.nat(3), tenant: fc.constantFrom('a', 'b'), prompt }),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  const life = fc.record({
    groups: fc.array(group, { minLength: 1, maxLength: 12 }),
    memory: fc.constantFrom(0, 500, 100_000),
    slidingWindow: fc.constantFrom(undefined, 8, 64),
  })
  let [fromSlots, fromMemory] = [0, 0]
  await fc.assert(
    fc.asyncProperty(life, async ({ groups, memory, slidingWindow }) => {
      const { finish, tenant, residents, saved } = await setUp({ memory, slidingWindow })
      for (const [at, together] of groups.entries()) {
        // Those of a group are all placed before the first of them is decoded, as at one step.
        const placed = new Map<number, { prompt: number[]; held: number }>()
        for (const { slot, tenant: name, prompt: asked } of together) {
          if (placed.has(slot)) continue
          const expected = residents.cachedTokens(tenant(name), asked)
          const held = await residents.occupy(slot, tenant(name), asked, at)
          expect(held).toBeLessThanOrEqual(expected)
          placed.set(slot, { prompt: asked, held })
        }
        for (const [slot, { prompt: asked, held }] of placed) await finish(slot, asked, held)
      }
      fromSlots += residents.hits.slot
      fromMemory += residents.hits.memory
      await saved.close()
    }),
    { numRuns: 150 },
  )
  expect(fromSlots).toBeGreaterThan(1000)
  expect(fromMemory).toBeGreaterThan(1000)
  expect(readdirSync(join(folder, 'prefixes'))).toEqual([])
})
