import { describe, expect, test } from 'vitest'
import { Calibration } from '../../server/engine/calibration.ts'
import { CostTable } from '../../server/engine/cost-table.ts'
import type { NativeModel } from '../../server/engine/native.ts'
import { selfTest } from '../../server/engine/self-test.ts'
import { Vocabulary } from '../../server/engine/vocabulary.ts'
import { SimulatedSlots, TOKENS } from '../helpers/simulated-slots.ts'

const DECODE_MS = [10, 20, 15, 30]
const slotsOf = (slots: number, contextSize = 64) =>
  new SimulatedSlots(
    { slots, contextSize, batchSize: 64 },
    { decodeMs: (rows) => DECODE_MS[rows - 1] ?? 99, prefillTokensPerMs: 1 },
  )

/** false: nothing was due. */
async function measured(calibration: Calibration): Promise<boolean> {
  if (calibration.dueIn(0) !== 0) return false
  await calibration.measure()
  return true
}

describe('the self-test', () => {
  const tokens = { start: 0, size: TOKENS }
  const ends = (context: SimulatedSlots) => selfTest(context, tokens)

  test.each([1, 2, 8])('passes with %i slots and leaves them empty', async (slots) => {
    const context = slotsOf(slots)
    expect(await ends(context)).toEqual({ canTruncate: true })
    for (let slot = 0; slot < slots; slot++) expect(context.lengthOf(slot)).toBe(0)
    expect(context.samplers.every(({ taken }) => !taken)).toBe(true)
  })

  test('finds out that a model cannot drop a part', async () => {
    const context = slotsOf(2)
    context.canTruncate = false
    expect(await ends(context)).toEqual({ canTruncate: false })
    expect(context.lengthOf(0)).toBe(0)
  })

  test('asks another question where the answer is as close as a tie', async () => {
    const context = slotsOf(2)
    context.margins = [0.01, 0.02]
    await ends(context)
    const asked = context.steps.filter(({ parts }) => parts[0]!.tokens.length > 1)
    expect(asked.length).toBe(3)
  })

  test.each<[string, (context: SimulatedSlots) => void]>([
    ['a copy that is empty', (context) => (context.copy = () => Promise.resolve())],
    [
      'a copy of something else',
      (context) => {
        const copy = context.copy.bind(context)
        context.copy = async (target, source) => {
          await copy(target, source)
          const rest = Uint32Array.of(2, 1, 2, 1, 2, 1, 2, 1)
          context.truncate(source, 0)
          await context.decode([{ slot: source, position: 0, tokens: rest }])
          await copy(target, source)
        }
      },
    ],
    [
      'a pad row that stays',
      (context) => {
        const decode = context.decode.bind(context)
        context.decode = (parts) => decode(parts.map(({ pad: _, ...part }) => part))
      },
    ],
    [
      'a token that the vocabulary does not have',
      (context) => {
        context.decodeWithMargin = async (part) => {
          await context.decode([part])
          return { token: TOKENS, margin: 1 }
        }
      },
    ],
  ])('refuses %s', async (_name, breakIt) => {
    const context = slotsOf(2)
    breakIt(context)
    await expect(ends(context)).rejects.toMatchObject({ code: 'ENGINE_SELF_TEST_FAILED' })
  })
})

describe('calibration', () => {
  const over = (context: SimulatedSlots, more: { on?: boolean; known?: CostTable } = {}) =>
    new Calibration({
      ...{ context, token: 0, on: true, now: () => context.nowMs },
      lengthOf: (slot) => context.lengthOf(slot),
      ...more,
    })

  test('measures one step a call, keeps the shortest of each, and is done once', async () => {
    const context = slotsOf(4)
    // Something else holds up two steps of three.
    context.during = () => (context.heldUpMs = context.steps.length % 3 ? 7 : 0)
    const tables: CostTable[] = []
    const calibration = new Calibration({
      ...{ context, token: 0, on: true, done: (table: CostTable) => tables.push(table) },
      ...{ now: () => context.nowMs, lengthOf: (slot: number) => context.lengthOf(slot) },
    })
    let calls = 0
    while (await measured(calibration)) {
      expect(context.steps.length).toBe(++calls)
      expect(calibration.table.known).toBe(calls === 20)
    }
    expect(tables.map(({ ms }) => ms)).toEqual([DECODE_MS])
    expect(await measured(calibration)).toBe(false)
    expect([0, 1, 2, 3].map((slot) => context.lengthOf(slot))).toEqual([0, 0, 0, 0])
  })

  test('is not done where it is off, known, or one slot has no shape', async () => {
    for (const calibration of [
      over(slotsOf(4), { on: false }),
      over(slotsOf(4), { known: new CostTable([1]) }),
      over(slotsOf(1)),
    ]) {
      expect(await measured(calibration)).toBe(false)
    }
  })

  test('begins when nobody has asked for a while', () => {
    const context = slotsOf(2)
    const calibration = new Calibration({
      ...{ context, token: 0, on: true, quietMs: 1000, lengthOf: () => 0 },
    })
    expect([0, 400, 1000, 5000].map((idleMs) => calibration.dueIn(idleMs))).toEqual([
      1000, 600, 0, 0,
    ])
  })

  test('waits while others use the same cores: what a step takes then says nothing', async () => {
    const context = slotsOf(2)
    let undisturbed = false
    const calibration = new Calibration({
      ...{ context, token: 0, on: true, lengthOf: () => 0, undisturbed: () => undisturbed },
    })
    expect(calibration.dueIn(5000)).toBe(1000)
    undisturbed = true
    expect(calibration.dueIn(5000)).toBe(0)
  })

  test('leaves alone what slots hold, and waits while one is full', async () => {
    const context = slotsOf(2, 4)
    await context.decode([{ slot: 0, position: 0, tokens: Uint32Array.of(1, 2, 3) }])
    const calibration = over(context)
    expect(await measured(calibration)).toBe(true)
    expect(context.contentOf(0)).toEqual([1, 2, 3])
    await context.decode([{ slot: 0, position: 3, tokens: Uint32Array.of(1) }])
    expect(await measured(calibration)).toBe(false)
    context.truncate(0, 3)
    expect(await measured(calibration)).toBe(true)
  })
})

describe('the vocabulary', () => {
  /** A token's text; the space of a word is dropped at the beginning of a text, as tokenizers do. */
  const WORDS = ['', ' one', ' two', '\n', '<end>', '<bos>']
  const model = (fields: Partial<NativeModel> = {}) =>
    ({
      tokenBos: () => 5,
      tokenEos: () => 4,
      shouldPrependBosToken: () => true,
      isEogToken: (token: number) => token === 4,
      getTokenAttributes: (token: number) => (token === 5 ? 8 : 0),
      getTokenString: (token: number) => WORDS[token] ?? '',
      detokenize: (tokens: Uint32Array, special: boolean) =>
        Array.from(tokens, (token) => (!special && token >= 4 ? '' : WORDS[token]))
          .join('')
          .replace(/^ /, ''),
      tokenize: () => Uint32Array.of(1, 2),
      ...fields,
    }) as unknown as NativeModel
  const words = (fields: Partial<NativeModel> = {}) => new Vocabulary(model(fields), WORDS.length)

  test('keeps the space between what was said and what follows', () => {
    expect(words().detokenize([2], [1])).toBe(' two')
    expect(words().detokenize([2], [])).toBe('two')
    expect(words().detokenize([2], [3, 3, 3, 3, 1])).toBe(' two')
    expect(words().detokenize([], [1])).toBe('')
    // Before it stands nothing that is text.
    expect(words().detokenize([1], [5])).toBe('one')
  })

  test('puts the first token before a prompt once, and only where the model has and wants one', () => {
    expect(words().withBos([1])).toEqual([5, 1])
    expect(words().withBos([5, 1])).toEqual([5, 1])
    expect(words().withBos([])).toEqual([5])
    expect(words({ shouldPrependBosToken: () => false }).withBos([1])).toEqual([1])
    expect(words({ tokenBos: () => -1 }).withBos([1])).toEqual([1])
  })

  test('has a token to begin with, whatever the model lacks', () => {
    expect(words().start).toBe(5)
    expect(words({ tokenBos: () => -1 }).start).toBe(4)
    expect(words({ tokenBos: () => -1, tokenEos: () => -1 }).start).toBe(0)
    expect(words({ tokenBos: () => -1 }).bosText).toBe('')
  })

  test('tells text from tokens that steer', () => {
    const special = [1, 3, 4, 5, 0].map((token) => words().isSpecial(token))
    expect(special).toEqual([false, false, true, true, false])
    expect(words().tokenize('', true)).toEqual([])
    expect(words().tokenize('one two', false)).toEqual([1, 2])
  })
})
