import { describe, expect, test } from 'vitest'
import { CostTable } from '../../server/engine/cost-table.ts'
import { GREEDY } from '../../server/engine/decode-context.ts'
import type { Guesses } from '../../server/engine/drafts.ts'
import type { GenerateRequest } from '../../server/engine/engine.ts'
import { live, request, solo } from '../helpers/simulated-engine.ts'
import type { Arrival } from '../helpers/simulated-engine.ts'
import {
  answering,
  DIPPED,
  expectSolo,
  Fortune,
  slotsOf,
  tokens,
} from '../helpers/simulated-requests.ts'
import { nextToken } from '../helpers/simulated-slots.ts'
import type { SimulatedSlots } from '../helpers/simulated-slots.ts'

/** Knows what a greedy answer will be, and what would follow its end. */
class Seer implements Guesses {
  propose(held: readonly number[], _: CostTable, most: number): number[] {
    const said = [...held]
    while (said.length < held.length + most) said.push(nextToken(said, GREEDY, 0))
    return said.slice(held.length)
  }

  learn(): void {
    // It knows already.
  }
}

/** A greedy request whose answer ends itself after some tokens. */
function endingEarly(): GenerateRequest {
  for (let seed = 1; seed < 5000; seed++) {
    const found = request({ prompt: tokens(6, seed), maxTokens: 40 })
    const { finish, tokens: answer } = solo(found)
    if (finish === 'stop' && answer.length > 8 && answer.length % 8 < 5) return found
  }
  throw new Error('no such request')
}

describe('shaping', () => {
  const streams = (count: number) =>
    Array.from({ length: count }, (_, id): Arrival => ({
      ...{ id, atMs: 0 },
      request: request({ prompt: tokens(4, id), maxTokens: 20, ignoreEos: true }),
    }))
  const rowsOf = (context: SimulatedSlots) =>
    context.steps.filter(({ kind }) => kind === 'decode').map(({ parts }) => parts.length)

  test.each([5, 6, 7])(
    '%i streams are decoded as 8 rows where these are cheaper',
    async (count) => {
      const context = slotsOf(16)
      const { told } = await live(context, { table: DIPPED }, streams(count))
      for (const { id, request: asked } of streams(count)) expectSolo(told.get(id), asked)
      expect(rowsOf(context).filter((rows) => rows === 8).length).toBeGreaterThanOrEqual(19)
    },
  )

  test('is found out while nobody asks, and not before', async () => {
    const context = slotsOf(8)
    await live(context, {}, [{ id: 9, atMs: 0, request: answering(2) }])
    // One more after the tables are full, beside nobody: five rounds of eight.
    const idle = context.steps.filter(({ parts }) => parts.every(({ pad }) => pad === true))
    expect(idle.length).toBe(5 * 8)
    const seven = streams(7).map((one) => ({ ...one, atMs: 10_000 }))
    const second = slotsOf(8)
    await live(second, {}, seven)
    expect(rowsOf(second).slice(40)).toContain(8)
  })

  test('moves a stream into a hole that others left', async () => {
    const context = slotsOf(8)
    const arrivals = streams(4).map((one, id): Arrival => ({
      ...one,
      request: { ...one.request, maxTokens: id === 1 ? 3 : 200 },
    }))
    const { told } = await live(context, { table: new CostTable([10, 11, 12, 40, 41]) }, arrivals)
    for (const { id, request: asked } of arrivals) expectSolo(told.get(id), asked)
    const last = context.steps.filter(({ kind }) => kind === 'decode').at(-1)!
    expect(last.parts.map(({ slot }) => slot)).toEqual([0, 1, 2])
  })

  test('is off when it is told to be', async () => {
    const context = slotsOf(8)
    await live(context, { table: DIPPED, shaping: false }, streams(7))
    expect(rowsOf(context).filter((rows) => rows > 7)).toEqual([])
  })
})

describe('guesses', () => {
  const alone = answering(40, { ignoreEos: true })
  const beside = { ...alone, prompt: [...alone.prompt, 3] }
  /** Of each step of an answer: pads are decoded while steps are measured. */
  const rows = (context: SimulatedSlots) =>
    context.steps
      .filter(({ kind, parts }) => kind === 'decode' && parts.some(({ sampler }) => sampler))
      .map(({ parts }) => parts[0]?.tokens.length ?? 0)

  test('that come true spare steps, those that do not change nothing', async () => {
    const [plain, guessed] = [slotsOf(8), slotsOf(8)]
    const arrivals = [{ id: 0, atMs: 0, request: alone }]
    await live(plain, {}, arrivals)
    const { told } = await live(guessed, { drafts: () => new Fortune() }, arrivals)
    expectSolo(told.get(0), alone)
    expect(rows(guessed).length).toBeLessThan(rows(plain).length / 1.5)
    // What was decoded in vain is gone.
    expect(guessed.contentOf(0)).toEqual(plain.contentOf(0))
  })

  test('beyond the end of an answer leave nothing in its slot', async () => {
    const ends = endingEarly()
    const [plain, guessed] = [slotsOf(8), slotsOf(8)]
    const arrivals = [{ id: 0, atMs: 0, request: ends }]
    await live(plain, {}, arrivals)
    const { told } = await live(guessed, { drafts: () => new Seer() }, arrivals)
    expectSolo(told.get(0), ends)
    expect(rows(guessed).length).toBeLessThan(rows(plain).length)
    expect(guessed.contentOf(0)).toEqual(plain.contentOf(0))
  })

  test('stand in for pad rows: a batch holds logits for no more rows than there are slots', async () => {
    const context = slotsOf(8)
    // Costs as noise makes them where all steps take the same.
    const table = new CostTable([20, 18, 18, 18, 18, 18, 18, 17])
    const arrivals = [{ id: 0, atMs: 0, request: alone }]
    const { told } = await live(context, { table, drafts: () => new Fortune() }, arrivals)
    expectSolo(told.get(0), alone)
    expect(context.steps.some(({ parts }) => parts.some(({ draft }) => draft))).toBe(true)
  })

  test('are made for nobody while two are served', async () => {
    const context = slotsOf(8)
    const options = { drafts: () => new Fortune(), shaping: false }
    await live(context, options, [
      { id: 0, atMs: 0, request: alone },
      { id: 1, atMs: 0, request: beside },
    ])
    expect(rows(context)).toEqual(rows(context).map(() => 1))
  })

  test('go no further than the answer may be long, the slot holds, or a batch has rows', async () => {
    const asked = { ...alone, maxTokens: 12 }
    const arrivals = [{ id: 0, atMs: 0, request: asked }]
    const all: Guesses = { propose: (held, _, most) => held.slice(0, most), learn: () => undefined }
    for (const context of [slotsOf(8), slotsOf(4), slotsOf(8, { contextSize: 18 })]) {
      const { told } = await live(context, { drafts: () => all }, arrivals)
      expectSolo(told.get(0), asked)
      expect(Math.max(...rows(context))).toBeLessThanOrEqual(context.slots)
      // Each guess is wrong, so the last token has a step of its own.
      expect(rows(context).at(-1)).toBe(1)
    }
  })
})
