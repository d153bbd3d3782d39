import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NO_TOKEN } from '../../server/engine/decode-context.ts'
import type { Part } from '../../server/engine/decode-context.ts'
import type { GenerateRequest } from '../../server/engine/engine.ts'
import type { Answer } from '../../server/engine/protocol.ts'
import { live, request, simulated, solo, textOf } from '../helpers/simulated-engine.ts'
import type { Arrival } from '../helpers/simulated-engine.ts'
import {
  answering,
  DIPPED,
  expectSolo,
  Fortune,
  prefilled,
  RATE,
  slotsOf,
  tokens,
} from '../helpers/simulated-requests.ts'
import { END, SimulatedSlots, TOKENS } from '../helpers/simulated-slots.ts'

function common(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((token, at) => token !== b[at])
  return differs < 0 ? a.length : differs
}

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
