import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CostTable } from '../../server/engine/cost-table.ts'
import { GREEDY, NO_TOKEN } from '../../server/engine/decode-context.ts'
import type { Part } from '../../server/engine/decode-context.ts'
import { type Guesses } from '../../server/engine/drafts.ts'
import type { GenerateRequest } from '../../server/engine/engine.ts'
import type { Answer } from '../../server/engine/protocol.ts'
import { live, request, simulated, solo, textOf } from '../helpers/simulated-engine.ts'
import type { Arrival, Life, SimulationOptions, Told } from '../helpers/simulated-engine.ts'
import { END, nextToken, SimulatedSlots, TOKENS } from '../helpers/simulated-slots.ts'

/** Measured on an EPYC: 5 to 7 rows cost more than 8. */
const DIPPED = new CostTable([12.6, 24.1, 37.1, 31.1, 50, 64.2, 64, 43.2])
const RATE = 0.3

const slotsOf = (slots: number, { contextSize = 4096, batchSize = 512 } = {}) =>
  new SimulatedSlots(
    { slots, contextSize, batchSize },
    { decodeMs: (rows) => DIPPED.of(rows), prefillTokensPerMs: RATE },
  )

const tokens = (length: number, seed: number) =>
  Array.from({ length }, (_, at) => (Math.imul(at + 7, seed * 2 + 1) >>> 3) % END)

/** A greedy request whose answer alone is so long. */
function answering(least: number, fields: Partial<GenerateRequest> = {}): GenerateRequest {
  for (let seed = 1; seed < 5000; seed++) {
    const found = request({ prompt: tokens(6, seed), maxTokens: least, ...fields })
    const { tokens: answer } = solo(found)
    if (answer.length === least) return found
  }
  throw new Error('no such request')
}

function expectSolo(told: Told | undefined, asked: GenerateRequest): void {
  const { text, tokens: answer, finish } = solo(asked)
  expect(told?.last).toMatchObject({ kind: 'end' })
  expect(textOf(told!)).toBe(text)
  expect(told?.pieces.map((piece) => piece.finish)).toEqual([
    ...told!.pieces.slice(1).map(() => undefined),
    finish,
  ])
  expect(told?.pieces.map(({ cachedTokens }) => cachedTokens !== undefined)).toEqual(
    told?.pieces.map((_, at) => at === 0),
  )
  const counted = told?.pieces.reduce((sum, piece) => sum + piece.tokens, 0)
  expect(counted).toBe(answer.length)
}

/** Knows what a greedy answer will be, and errs now and then. */
class Fortune implements Guesses {
  propose(held: readonly number[], _: CostTable, most: number): number[] {
    const guesses: number[] = []
    while (guesses.length < Math.min(most, held.length % 6)) {
      const said = [...held, ...guesses]
      const next = nextToken(said, GREEDY, 0)
      guesses.push(said.length % 5 === 0 ? (next + 1) % END : next)
    }
    return guesses
  }

  learn(): void {
    // It knows already.
  }
}

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

function common(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((token, at) => token !== b[at])
  return differs < 0 ? a.length : differs
}

const prefilled = (context: SimulatedSlots) =>
  context.steps
    .filter(({ kind }) => kind === 'prefill')
    .flatMap(({ parts }) => parts)
    .reduce((sum, part) => sum + part.tokens.length, 0)

describe('whatever arrives and leaves', () => {
  const prefixes = [0, 1, 2].map((seed) => tokens(120, seed))
  const prompt = fc
    .record({
      prefix: fc.constantFrom(...prefixes),
      shared: fc.integer({ min: 0, max: 120 }),
      own: fc.array(fc.nat(TOKENS - 2), { minLength: 1, maxLength: 40 }),
    })
    .map(({ prefix, shared, own }) => [...prefix.slice(0, shared), ...own])
  const stop = fc.array(
    fc.string({ unit: fc.constantFrom(...'abcdefg'), minLength: 1, maxLength: 3 }),
    { maxLength: 2 },
  )
  const asked: fc.Arbitrary<GenerateRequest> = fc.record({
    prompt,
    stop,
    maxTokens: fc.integer({ min: 1, max: 24 }),
    temperature: fc.constantFrom(0, 1),
    topP: fc.constant(1),
    seed: fc.nat(1000),
    ignoreEos: fc.boolean(),
    tenant: fc.constantFrom('a', 'b'),
    adapter: fc.constantFrom('none', 'x'),
    priority: fc.constantFrom('high' as const, 'normal' as const, 'low' as const),
  })
  const arrival = fc.record({
    atMs: fc.oneof(fc.constant(0), fc.nat(3000)),
    request: asked,
    leavesAfterMs: fc.option(fc.nat(1500), { nil: undefined, freq: 3 }),
  })
  const life = fc.record({
    arrivals: fc.array(arrival, { minLength: 1, maxLength: 30 }),
    slots: fc.integer({ min: 1, max: 16 }),
    batchSize: fc.constantFrom(32, 512),
    prefixCache: fc.boolean(),
    shaping: fc.boolean(),
    known: fc.boolean(),
    guessing: fc.boolean(),
    canTruncate: fc.constantFrom(true, true, true, false),
    maxQueued: fc.constantFrom(3, 1000),
    firstTokenMs: fc.constantFrom(2000, Infinity),
  })

  async function lifeOf({
    arrivals: drawn,
    known,
    guessing,
    slots,
    batchSize,
    ...options
  }: typeof life extends fc.Arbitrary<infer T> ? T : never) {
    const arrivals = drawn.map(({ leavesAfterMs, ...rest }, id): Arrival => ({
      ...{ id, ...rest },
      cancelAtMs: leavesAfterMs === undefined ? undefined : rest.atMs + leavesAfterMs,
    }))
    const context = slotsOf(slots, { contextSize: 256, batchSize })
    context.canTruncate = options.canTruncate
    const shaping = options.shaping && options.canTruncate
    const table = known ? { table: DIPPED } : {}
    const drafts = guessing ? () => new Fortune() : undefined
    const result = await live(context, { ...options, ...table, drafts, shaping }, arrivals)
    return { ...result, context, arrivals }
  }

  test('each request ends once with its own answer, and no slot is lost', async () => {
    await fc.assert(
      fc.asyncProperty(life, async (drawn) => {
        const { told, rounds, context, arrivals } = await lifeOf(drawn)
        for (const { id, request: wanted, cancelAtMs } of arrivals) {
          const one = told.get(id)
          expect(one?.last).toBeDefined()
          if (one?.last?.kind === 'error') {
            expect(['queue_full', 'too_late']).toContain(one.last.code)
            expect(one.last.retryAfterS).toBeGreaterThanOrEqual(1)
            expect(one.pieces).toEqual([])
          } else if (cancelAtMs === undefined || one?.pieces.at(-1)?.finish !== undefined) {
            expectSolo(one, wanted)
          } else expect(solo(wanted).text.startsWith(textOf(one!))).toBe(true)
        }
        expect(rounds.at(-1)).toMatchObject({ running: 0, waiting: 0, kvTokens: 0 })
        expect(context.samplers.every(({ taken }) => !taken)).toBe(true)
        expect(context.samplers.length).toBeLessThanOrEqual(context.slots)
      }),
      { numRuns: 150 },
    )
  })

  test('what is held of a prompt comes from the same tenant and adapter, and is counted', async () => {
    await fc.assert(
      fc.asyncProperty(life, async (drawn) => {
        const { told, context, arrivals } = await lifeOf(drawn)
        let evaluated = 0
        let complete = true
        for (const { id, request: wanted } of arrivals) {
          const one = told.get(id)
          const cached = one?.pieces[0]?.cachedTokens
          complete &&= cached !== undefined || one?.last?.kind === 'error'
          if (cached === undefined) continue
          evaluated += wanted.prompt.length - cached
          const others = arrivals.filter(
            (other) =>
              other.id !== id &&
              other.request.tenant === wanted.tenant &&
              other.request.adapter === wanted.adapter,
          )
          const most = others.map(({ request: other }) =>
            common(wanted.prompt, [...other.prompt, ...solo(other).tokens]),
          )
          expect(cached).toBeLessThanOrEqual(Math.max(0, ...most))
          expect(cached).toBeLessThan(wanted.prompt.length)
          if (!drawn.prefixCache || !drawn.canTruncate) expect(cached).toBe(0)
        }
        // Prompts of one token look like decode rows to the simulation.
        const whole = arrivals.every(({ request: wanted }) => wanted.prompt.length > 1)
        if (complete && whole && drawn.batchSize === 512) {
          expect(prefilled(context)).toBeGreaterThanOrEqual(evaluated - arrivals.length)
          expect(prefilled(context)).toBeLessThanOrEqual(evaluated)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('there is one report a step, and a few more while nothing is decoded', async () => {
    await fc.assert(
      fc.asyncProperty(life, async (drawn) => {
        const { rounds, context } = await lifeOf({ ...drawn, shaping: false })
        expect(rounds.filter(({ stepped }) => stepped).length).toBe(context.steps.length)
        for (const { stepped, answers } of rounds) {
          expect(stepped || answers.length > 0).toBe(true)
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('an answer', () => {
  const ends = async (asked: GenerateRequest) => {
    const { told } = await live(slotsOf(2), {}, [{ id: 1, atMs: 0, request: asked }])
    expectSolo(told.get(1), asked)
    return told.get(1)!
  }

  test('may be empty: the first token ends it', async () => {
    const wanted = Array.from({ length: 500 }, (_, seed) => request({ prompt: tokens(6, seed) }))
    const asked = wanted.find((one) => solo(one).tokens.length === 0)!
    expect((await ends(asked)).pieces).toEqual([
      { text: '', tokens: 0, cachedTokens: 0, finish: 'stop' },
    ])
    const longer = { ...asked, ignoreEos: true, maxTokens: 20 }
    expect((await ends(longer)).pieces.reduce((sum, piece) => sum + piece.tokens, 0)).toBe(20)
  })

  test('of one token comes at once, with its end', async () => {
    const { pieces } = await ends(answering(1))
    expect(pieces).toMatchObject([{ tokens: 1, finish: 'length' }])
  })

  test('that meets a stop string with its last token ends by the string', async () => {
    const free = answering(9)
    const { text } = solo(free)
    const { pieces } = await ends({ ...free, stop: [text.slice(-2)] })
    expect(pieces.at(-1)?.finish).toBe('stop')
  })

  test('says its last word once, also when a stop string ended it while a step ran', async () => {
    const free = answering(12)
    const stop = [solo(free).text.slice(4, 7)]
    const { pieces } = await ends({ ...free, stop })
    expect(pieces.filter(({ finish }) => finish !== undefined).length).toBe(1)
  })

  test('whose end might have begun a stop string keeps that end', async () => {
    const free = answering(9)
    const { pieces } = await ends({ ...free, stop: [`${solo(free).text.slice(-2)}zz`] })
    expect(pieces.at(-1)).toMatchObject({ text: solo(free).text.slice(-2), finish: 'length' })
  })
})

describe('prefixes', () => {
  const prefix = tokens(500, 5)
  const burst = (count: number, fields: Partial<GenerateRequest> = {}) =>
    Array.from({ length: count }, (_, id): Arrival => ({
      ...{ id, atMs: 0 },
      request: request({ prompt: [...prefix, ...tokens(9, id + 20)], maxTokens: 6, ...fields }),
    }))
  const held = ({ told }: Life) => [...told.values()].map(({ pieces }) => pieces[0]!.cachedTokens!)

  test('of a cold burst are evaluated once: the others wait for the first, then copy', async () => {
    const context = slotsOf(16)
    const arrivals = burst(16)
    const life = await live(context, { table: DIPPED }, arrivals)
    for (const { id, request: asked } of arrivals) expectSolo(life.told.get(id), asked)
    expect(held(life).filter((cached) => cached >= 500).length).toBe(15)
    expect(prefilled(context)).toBeLessThanOrEqual(509 + 15 * 9)
    expect(context.copies).toBeGreaterThanOrEqual(15)
  })

  test('are evaluated by each where nothing can be dropped, and nobody waits for nothing', async () => {
    const context = slotsOf(16)
    context.canTruncate = false
    const life = await live(context, { canTruncate: false, shaping: false }, burst(4))
    expect(held(life)).toEqual([0, 0, 0, 0])
    expect(context.steps[0]?.parts.map(({ slot }) => slot)).toEqual([0, 1])
  })

  test.each([
    ['another tenant', { tenant: 'b' }],
    ['another adapter', { adapter: 'x' }],
  ])('never serve %s; the same one is the control', async (_name, fields) => {
    const later = (more: Partial<GenerateRequest>) =>
      live(slotsOf(4), {}, [
        burst(1)[0]!,
        { id: 9, atMs: 60_000, request: request({ prompt: [...prefix, 1], ...more }) },
      ])
    expect(held(await later({}))).toEqual([0, 500])
    expect(held(await later(fields))).toEqual([0, 0])
  })

  test('of another tenant are waited for by nobody', async () => {
    const context = slotsOf(4)
    const [one, two] = burst(2)
    await live(context, { table: DIPPED }, [
      one!,
      { ...two!, request: { ...two!.request, tenant: 'b' } },
    ])
    expect(context.steps[0]?.parts.map(({ slot }) => slot)).toEqual([0, 1])
  })

  test('are followed by another leader when the first leaves in the middle', async () => {
    const context = slotsOf(8, { batchSize: 64 })
    const arrivals = burst(6)
    arrivals[0]!.cancelAtMs = 500
    const { told } = await live(context, {}, arrivals)
    expect(told.get(0)?.pieces).toEqual([])
    for (const { id, request: asked } of arrivals.slice(1)) expectSolo(told.get(id), asked)
    // What the first had read is read once, and so is the rest.
    expect(prefilled(context)).toBeLessThanOrEqual(500 + 6 * 9 + 5)
  })

  test('serve a conversation that goes on, in whichever slot', async () => {
    const context = slotsOf(4)
    const first = request({ prompt: tokens(90, 3), maxTokens: 12, ignoreEos: true })
    const second = { ...first, prompt: [...first.prompt, ...solo(first).tokens, 1, 2, 3] }
    const { told } = await live(context, {}, [
      { id: 1, atMs: 0, request: first },
      { id: 2, atMs: 9000, request: second },
    ])
    // The last token of an answer is never decoded.
    expect(told.get(2)?.pieces[0]?.cachedTokens).toBe(90 + 11)
    expectSolo(told.get(2), second)
    expect(context.copies).toBe(0)
  })
})

describe('those who leave', () => {
  test('are told so before the next step, free their slot and decode no more', async () => {
    const context = slotsOf(1)
    const long = answering(40)
    const { told, rounds } = await live(context, {}, [
      { id: 1, atMs: 0, request: long, cancelAtMs: 200 },
      { id: 2, atMs: 0, request: answering(3, { maxTokens: 3 }) },
      { id: 3, atMs: 0, request: long, cancelAtMs: 100 },
    ])
    expect(told.get(3)).toEqual({ pieces: [], last: { id: 3, kind: 'end' } })
    expect(textOf(told.get(1)!).length).toBeLessThan(20)
    expect(told.get(2)?.pieces.at(-1)?.finish).toBe('length')
    expect(rounds.at(-1)).toMatchObject({ running: 0, waiting: 0 })
  })

  test('before or after their time change nothing', async () => {
    const asked = answering(3)
    const { told } = await live(slotsOf(2), {}, [
      { id: 1, atMs: 0, request: asked, cancelAtMs: 50_000 },
      { id: 2, atMs: 60_000, request: asked },
    ])
    for (const id of [1, 2]) expectSolo(told.get(id), asked)
  })

  test('while a prompt is read stop its reading', async () => {
    const context = slotsOf(2, { batchSize: 64 })
    await live(context, { shaping: false }, [
      { id: 1, atMs: 0, request: request({ prompt: tokens(2000, 4) }), cancelAtMs: 1000 },
    ])
    expect(prefilled(context)).toBeLessThanOrEqual(1000 * RATE + 64)
  })
})

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

test('a conversation goes on in its own slot where that lies beside the others', async () => {
  const context = slotsOf(4)
  const said = tokens(60, 9)
  const turn = (prompt: number[]) => request({ prompt, maxTokens: 1, tenant: 'b' })
  const { told } = await live(context, { shaping: false }, [
    { id: 1, atMs: 0, request: answering(2) },
    { id: 2, atMs: 0, request: turn(said) },
    { id: 3, atMs: 0, request: answering(300, { ignoreEos: true }) },
    { id: 4, atMs: 1500, request: turn([...said, ...tokens(10, 3)]) },
  ])
  expect(told.get(4)?.pieces[0]?.cachedTokens).toBeGreaterThanOrEqual(60)
  expect(context.copies).toBe(0)
})

describe('those who wait', () => {
  const long = () => answering(30)

  test.each([
    { tenants: 1, fresh: false, refused: false },
    { tenants: 16, fresh: false, refused: true },
    // Nothing was measured yet, so nothing is known of how long they take.
    { tenants: 16, fresh: true, refused: false },
  ])('are not refused for what they share: %o', async ({ tenants, fresh, refused }) => {
    // A prefix of 500 tokens takes 1.7 s; 16 of them 27 s.
    const prefix = tokens(500, 3)
    const arrivals = Array.from({ length: 16 }, (_, at) => ({
      ...{ id: at, atMs: 1000 },
      request: request({
        ...{ prompt: [...prefix, ...tokens(32, at + 10)], maxTokens: 4 },
        tenant: `tenant ${at % tenants}`,
      }),
    }))
    const before = { id: 99, atMs: 0, request: request({ prompt: tokens(40, 2), maxTokens: 2 }) }
    const all = fresh ? arrivals : [before, ...arrivals]
    const { told } = await live(slotsOf(16), { firstTokenMs: 8000 }, all)
    const errors = [...told.values()].filter(({ last }) => last?.kind === 'error')
    expect(errors.length > 0).toBe(refused)
  })

  test('too long are refused once, with a time to come again', async () => {
    const { told } = await live(slotsOf(1), { firstTokenMs: 300, shaping: false }, [
      { id: 1, atMs: 0, request: long() },
      { id: 2, atMs: 0, request: answering(30, { priority: 'high' }) },
    ])
    const errors = [...told.values()].flatMap(({ last }) => (last?.kind === 'error' ? [last] : []))
    expect(errors).toMatchObject([{ code: 'too_late' }])
  })

  test('beyond the queue are refused at once', async () => {
    const arrivals = [1, 2, 3, 4].map((id): Arrival => ({ id, atMs: 0, request: long() }))
    const { told } = await live(slotsOf(1), { maxQueued: 2 }, arrivals)
    expect([...told.values()].map(({ last }) => last?.kind)).toEqual(['end', 'end', 'end', 'error'])
  })

  test('are all served by two slots, whoever comes in between', async () => {
    const arrivals = Array.from({ length: 200 }, (_, id): Arrival => ({
      ...{ id, atMs: id * 20 },
      request: request({ prompt: tokens(30, id % 7), maxTokens: 5, tenant: id % 3 ? 'a' : 'b' }),
    }))
    const { told } = await live(slotsOf(2), { table: DIPPED }, arrivals)
    for (const { id, request: asked } of arrivals) expectSolo(told.get(id), asked)
  })
})

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

  test('no two chunks are read, whatever comes', async () => {
    const arrivals = fc.array(
      fc.record({
        atMs: fc.nat(2000),
        length: fc.integer({ min: 2, max: 600 }),
        maxTokens: fc.integer({ min: 1, max: 30 }),
      }),
      { minLength: 2, maxLength: 12 },
    )
    await fc.assert(
      fc.asyncProperty(arrivals, fc.integer({ min: 2, max: 12 }), async (drawn, slots) => {
        const context = slotsOf(slots)
        await live(
          context,
          { table: DIPPED, interTokenMs: BUDGET },
          drawn.map(({ atMs, length, maxTokens }, id) => ({
            ...{ id, atMs },
            request: request({ prompt: tokens(length, id), maxTokens, ignoreEos: true }),
          })),
        )
        const dearest = Math.max(
          ...context.steps.filter((s) => s.kind === 'decode').map((s) => s.ms),
        )
        // Who was read joins the step after.
        const longest = BUDGET + dearest + 1e-6
        for (const gap of gapsOf(context)) expect(gap).toBeLessThanOrEqual(longest)
      }),
      { numRuns: 100 },
    )
  })
})

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

test('a failure of the native engine ends the loop: what it holds is not known any more', async () => {
  const context = slotsOf(2)
  const engine = simulated(context, { shaping: false }, () => undefined)
  context.decode = () => Promise.reject(new Error('Eval has failed'))
  engine.submit(1, request())
  await expect(engine.run()).rejects.toThrow('Eval has failed')
})

describe('a probe', () => {
  const settled = async () => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  test.each([
    ['in the only slot', slotsOf(1)],
    ['where an answer took all the room there was', slotsOf(1, { contextSize: 42 })],
  ])('is answered by a row that leaves what is held, %s', async (_, context) => {
    const answers: Answer[] = []
    const engine = simulated(context, { shaping: false }, (round) => answers.push(...round.answers))
    void engine.run()
    const asked = request({ prompt: tokens(40, 3), maxTokens: 2, ignoreEos: true })
    engine.submit(1, asked)
    await settled()
    const held = context.contentOf(0)
    engine.probe(2)
    await settled()
    expect(answers.at(-1)).toEqual({ id: 2, kind: 'end' })
    expect(context.steps.at(-1)?.parts).toMatchObject([{ pad: true }])
    expect(context.contentOf(0)).toEqual(held)
    engine.submit(3, asked)
    await settled()
    const again = answers.find((answer) => answer.id === 3 && answer.kind === 'piece')
    expect(again).toMatchObject({ piece: { cachedTokens: 39 } })
  })

  test('is answered by the steps of others, and needs none of its own then', async () => {
    const context = slotsOf(2)
    const answers: Answer[] = []
    const engine = simulated(context, { shaping: false }, (round) => answers.push(...round.answers))
    engine.submit(1, request({ maxTokens: 3, ignoreEos: true }))
    engine.probe(2)
    void engine.run()
    await settled()
    expect(answers.filter(({ kind }) => kind === 'end').map(({ id }) => id)).toEqual([2, 1])
    expect(context.steps.every(({ parts }) => parts.every(({ pad }) => pad !== true))).toBe(true)
  })
})

/** Gives no token to a prompt that begins with END, as where logits are not numbers. */
class Broken extends SimulatedSlots {
  override async decode(parts: readonly Part[]): Promise<number[][]> {
    const asked = parts.filter(({ sampler }) => sampler !== undefined)
    const sampled = await super.decode(parts)
    return sampled.map((each, at) =>
      this.contentOf(asked[at]?.slot ?? 0)[0] === END ? [NO_TOKEN] : each,
    )
  }
}

test('a prompt that the model gives no token for fails alone, and nothing of it is shared', async () => {
  const context = new Broken({ slots: 2, contextSize: 256, batchSize: 64 })
  const poison = request({ prompt: [END, ...tokens(30, 4)] })
  const well = answering(5)
  const { told } = await live(context, {}, [
    { id: 1, atMs: 0, request: well },
    { id: 2, atMs: 0, request: poison },
    { id: 3, atMs: 500, request: poison },
  ])
  expectSolo(told.get(1), well)
  for (const id of [2, 3]) {
    expect(told.get(id)?.last).toMatchObject({ kind: 'error', code: 'failed' })
    expect(told.get(id)?.pieces.map(({ text }) => text)).toEqual([])
  }
  const read = context.steps
    .flatMap(({ parts }) => parts)
    .filter(({ tokens: [first] }) => first === END)
  expect(read.length).toBe(2)
})
