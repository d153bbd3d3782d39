import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CostTable } from '../../server/engine/cost-table.ts'
import type { Answer } from '../../server/engine/protocol.ts'
import { live, request, simulated, solo } from '../helpers/simulated-engine.ts'
import type { Arrival, SimulationOptions } from '../helpers/simulated-engine.ts'
import {
  answering,
  DIPPED,
  expectSolo,
  RATE,
  slotsOf,
  tokens,
} from '../helpers/simulated-requests.ts'
import { SimulatedSlots } from '../helpers/simulated-slots.ts'
import type { SimulatedStep } from '../helpers/simulated-slots.ts'

describe('prompts under way', () => {
  /** When the first token of each prompt was there. */
  function watched(context: SimulatedSlots) {
    const starts = new Map<string, number>()
    const decode = context.decode.bind(context)
    context.decode = async (parts) => {
      const sampled = await decode(parts)
      for (const { slot, sampler } of parts) {
        const held = context.contentOf(slot).join()
        if (sampler !== undefined && !starts.has(held)) starts.set(held, context.nowMs)
      }
      return sampled
    }
    return (prompt: readonly number[]) => starts.get(prompt.join()) ?? Infinity
  }

  test('a short one does not wait for a long one that came before', async () => {
    const context = slotsOf(4, { batchSize: 64 })
    const firstAt = watched(context)
    const long = request({ prompt: tokens(3000, 5), tenant: 'a', priority: 'low', maxTokens: 2 })
    const short = request({ prompt: tokens(20, 6), tenant: 'b', maxTokens: 2 })
    await live(context, { shaping: false }, [
      { id: 1, atMs: 0, request: long },
      { id: 2, atMs: 1000, request: short },
    ])
    expect(firstAt(short.prompt)).toBeLessThan(1000 + 500)
    expect(firstAt(long.prompt)).toBeGreaterThan(9000)
  })

  test('a long one waits for none that comes after it could have been read', async () => {
    const context = slotsOf(8, { batchSize: 64 })
    const firstAt = watched(context)
    const long = request({ prompt: tokens(1000, 5), maxTokens: 2 })
    // Alone 3.3 s. The others take three quarters of the time, and come for a minute.
    const shorts = Array.from({ length: 150 }, (_, at) => ({
      ...{ id: at + 2, atMs: at * 400 },
      request: request({ prompt: tokens(90, at + 10), maxTokens: 1 }),
    }))
    await live(context, { shaping: false }, [{ id: 1, atMs: 0, request: long }, ...shorts])
    expect(firstAt(long.prompt)).toBeLessThan(3 * 3333)
  })

  test('make no longer pauses than the budget where steps take longer than the table says', async () => {
    const sizes = { slots: 4, contextSize: 4096, batchSize: 512 }
    const context = new SimulatedSlots(sizes, { decodeMs: () => 40, prefillTokensPerMs: 2 })
    const table = new CostTable([10, 11, 12, 13])
    const decoding = answering(60, { ignoreEos: true })
    await live(context, { table, shaping: true }, [
      { id: 1, atMs: 0, request: decoding },
      { id: 2, atMs: 600, request: request({ prompt: tokens(2000, 8), maxTokens: 1 }) },
    ])
    const chunks = context.steps.filter(
      ({ kind, parts }) => kind === 'prefill' && parts[0]?.slot !== 0,
    )
    expect(chunks.length).toBeGreaterThan(10)
    // A decode step takes 40 ms, so 60 are left.
    for (const { ms } of chunks.slice(2)) expect(ms).toBeLessThanOrEqual(60)
  })
})

const samplersOf = ({ parts }: SimulatedStep) =>
  parts.flatMap(({ sampler }) => (sampler === undefined ? [] : [sampler]))
const tokensOf = ({ parts }: SimulatedStep) => sum(parts.map((part) => part.tokens.length))
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

/** What was read between two decode steps, and how many answers waited meanwhile. */
function pausesOf({ steps }: SimulatedSlots): { read: SimulatedStep[]; answers: number }[] {
  const decodes = steps.flatMap(({ kind }, at) => (kind === 'decode' ? [at] : []))
  return decodes.slice(1).flatMap((at, n) => {
    const from = decodes[n]!
    const read = steps.slice(from + 1, at)
    const before = samplersOf(steps[from]!)
    const joined = read.flatMap(samplersOf)
    const answers = samplersOf(steps[at]!).filter(
      (sampler) => before.includes(sampler) && !joined.includes(sampler),
    ).length
    return read.length === 0 || answers === 0 ? [] : [{ read, answers }]
  })
}

describe('between two tokens of an answer', () => {
  const BUDGET = 100
  const gapsOf = (context: SimulatedSlots) =>
    context.samplers.flatMap(({ times }) => times.slice(1).map((at, n) => at - times[n]!))

  test('prefill of others takes no more than the budget', async () => {
    const context = slotsOf(8)
    const arrivals = [0, 1, 2, 3].map((id): Arrival => ({
      ...{ id, atMs: 0 },
      request: request({ prompt: tokens(4, id), maxTokens: 100, ignoreEos: true }),
    }))
    const late = { id: 9, atMs: 400, request: request({ prompt: tokens(1024, 8), maxTokens: 1 }) }
    const options: SimulationOptions = { table: DIPPED, interTokenMs: BUDGET }
    const { told } = await live(context, options, [...arrivals, late])
    expectSolo(told.get(9), late.request)
    const gaps = gapsOf(context)
    expect(gaps.length).toBeGreaterThan(300)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(BUDGET + 1e-6)
    // And no less is read than the budget allows: a chunk is not a drop.
    expect(Math.max(...gaps)).toBeGreaterThan(BUDGET * 0.8)
  })

  test('a pause is within the budget also where half of the chunks take longer than the others', async () => {
    const context = slotsOf(8)
    let chunks = 0
    Object.defineProperty(context, 'heldUpMs', {
      get: () => {
        const step = context.steps.at(-1)
        return step?.kind === 'prefill' && chunks++ % 2 === 0 ? step.ms * 0.4 : 0
      },
    })
    const answer = {
      id: 0,
      atMs: 0,
      request: request({ prompt: tokens(4, 0), maxTokens: 200, ignoreEos: true }),
    }
    const late = { id: 9, atMs: 400, request: request({ prompt: tokens(1024, 8), maxTokens: 1 }) }
    await live(context, { table: DIPPED, interTokenMs: BUDGET }, [answer, late])
    expect(chunks).toBeGreaterThan(10)
    const long = gapsOf(context).filter((gap) => gap > BUDGET)
    // Some of the first ones, before anything was learned.
    expect(long.length).toBeLessThan(chunks / 5)
  })

  /** Of a decode step of so many answers: none is shorter, as more rows may take less. */
  const leastDecodeMs = (answers: number) =>
    Math.min(...Array.from({ length: 16 }, (_, more) => DIPPED.of(answers + more)))

  test('one piece is read, of what the decode step leaves of the budget, whatever comes', async () => {
    const arrivals = fc.array(
      fc.record({
        atMs: fc.integer({ min: 500, max: 2500 }),
        length: fc.integer({ min: 2, max: 600 }),
        maxTokens: fc.integer({ min: 1, max: 30 }),
      }),
      { minLength: 2, maxLength: 12 },
    )
    // Alone, before the others: from it on the rate is measured.
    const first = { id: 99, atMs: 0, request: request({ prompt: tokens(40, 99), maxTokens: 1 }) }
    let seen = 0
    await fc.assert(
      fc.asyncProperty(arrivals, fc.integer({ min: 2, max: 12 }), async (drawn, slots) => {
        const context = slotsOf(slots)
        await live(context, { table: DIPPED, interTokenMs: BUDGET }, [
          first,
          ...drawn.map(({ atMs, length, maxTokens }, id) => ({
            ...{ id, atMs },
            request: request({ prompt: tokens(length, id), maxTokens, ignoreEos: true }),
          })),
        ])
        for (const { read, answers } of pausesOf(context)) {
          seen++
          expect(read).toHaveLength(1)
          const decodeMs = leastDecodeMs(answers)
          const pauseMs = sum(read.map(tokensOf)) / RATE + decodeMs
          // Sixteen tokens are read whatever they take.
          const mostMs = Math.max(BUDGET, 1.5 * decodeMs, 16 / RATE + decodeMs)
          expect(pauseMs).toBeLessThanOrEqual(mostMs + 1e-6)
        }
      }),
      { numRuns: 100 },
    )
    expect(seen).toBeGreaterThan(500)
  })

  test('a piece takes half of the decode step where that alone takes more than the budget', async () => {
    const sizes = { slots: 2, contextSize: 4096, batchSize: 512 }
    const [decodeMs, rate] = [160, 1]
    const context = new SimulatedSlots(sizes, {
      ...{ decodeMs: () => decodeMs, prefillTokensPerMs: rate },
    })
    const answer = request({ prompt: tokens(40, 0), maxTokens: 60, ignoreEos: true })
    await live(context, { interTokenMs: BUDGET, shaping: false }, [
      { id: 0, atMs: 0, request: answer },
      { id: 1, atMs: 400, request: request({ prompt: tokens(2000, 8), maxTokens: 1 }) },
    ])
    const gaps = gapsOf(context).filter((gap) => gap > decodeMs)
    expect(gaps.length).toBeGreaterThan(20)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1.5 * decodeMs + 1e-6)
    // And no less is read than is promised, but for a part of a tile.
    expect(Math.max(...gaps)).toBeGreaterThanOrEqual(1.5 * decodeMs - 4 / rate)
  })
})

test('what a step gave is told while the next one runs: after it began and before it ends', async () => {
  const context = slotsOf(2)
  const decode = context.decode.bind(context)
  const happened: string[] = []
  let end = (): void => undefined
  context.decode = async (parts) => {
    happened.push('begins')
    const sampled = await decode(parts)
    await new Promise<void>((resolve) => (end = resolve))
    return sampled
  }
  const answers: Answer[] = []
  const engine = simulated(context, { shaping: false }, (round) => {
    answers.push(...round.answers)
    for (const { kind } of round.answers) happened.push(`${kind} is told`)
  })
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  void engine.run()
  const asked = answering(4, { ignoreEos: true })
  engine.submit(1, asked)
  await settled()
  expect(happened.splice(0)).toEqual(['begins'])
  for (let step = 1; step < 4; step++) {
    end()
    await settled()
    // The step is held open.
    expect(happened.splice(0)).toEqual(['begins', 'piece is told'])
  }
  end()
  await settled()
  // The last token has no step of its own.
  expect(happened.splice(0)).toEqual(['piece is told', 'end is told'])
  const text = answers.map((answer) => (answer.kind === 'piece' ? answer.piece.text : ''))
  expect(text.join('')).toBe(solo(asked).text)
})
