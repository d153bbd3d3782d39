import { expect, test } from 'vitest'
import { likelihoodsOf } from '../../server/engine/likelihoods.ts'
import type { NativeContext, NativeSampler } from '../../server/engine/native.ts'
import { tokenBytes } from '../../server/engine/token-bytes.ts'

/** Logits of two rows, over a vocabulary of five. */
const ROWS = [
  [0, 2, 1, -1, 2],
  [3, -Infinity, 0, 0, 0],
]
const greedy = () => ({}) as NativeSampler

const total = (row: number) => Math.log(ROWS[row]!.reduce((sum, logit) => sum + Math.exp(logit), 0))
const logprob = (row: number, token: number) => ROWS[row]![token]! - total(row)

/** As the prebuilt addon reports a row: the wanted token, the likeliest ones, the weight of all. */
const prebuilt = {
  sampleToken: async (
    index: number,
    _sampler: unknown,
    _p: boolean,
    _c: boolean,
    [wanted, , , , top]: [number[], boolean, boolean, boolean, number],
  ) => {
    const logits = ROWS[index]!
    const order = logits.map((_, token) => token).sort((a, b) => logits[b]! - logits[a]!)
    const most = logits[order[0]!]!
    const told = [...order.slice(0, top), ...wanted].flatMap((token) => [token, logits[token]!])
    const weight = logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0)
    return [order[0]!, undefined, undefined, told, weight]
  },
} as unknown as NativeContext

const compiled = {
  rowLikelihoods: async (indexes: Uint32Array, tokens: Uint32Array, top: number) => {
    const rows = Array.from(indexes)
    const order = rows.map((row) =>
      ROWS[row]!.map((_, token) => token).sort((a, b) => ROWS[row]![b]! - ROWS[row]![a]!),
    )
    return [
      Float32Array.from(rows, (row, at) => logprob(row, tokens[at]!)),
      Uint32Array.from(order.flatMap((each) => each.slice(0, top))),
      Float32Array.from(
        order.flatMap((each, at) => each.slice(0, top).map((t) => logprob(rows[at]!, t))),
      ),
    ]
  },
} as unknown as NativeContext

test.each([
  ['prebuilt', prebuilt],
  ['compiled', compiled],
])(
  'the %s addon tells how likely tokens are, and which are the likeliest',
  async (_name, native) => {
    const told = await likelihoodsOf(native, greedy, { indexes: [0, 1], tokens: [3, 1], top: 2 })
    expect(told.map(({ token }) => token)).toEqual([3, 1])
    expect(told[0]?.logprob).toBeCloseTo(logprob(0, 3), 5)
    // Of what cannot be there is no finite number, and JSON has no other.
    expect(told[1]?.logprob).toBe(-9999)
    expect(told[0]?.top.map(({ token }) => token)).toEqual([1, 4])
    expect(told[1]?.top[0]?.logprob).toBeCloseTo(logprob(1, 0), 5)
  },
)

test.each([
  ['prebuilt', prebuilt],
  ['compiled', compiled],
])('the %s addon tells of no others where none are wanted', async (_name, native) => {
  const [row] = await likelihoodsOf(native, greedy, { indexes: [0], tokens: [2], top: 0 })
  expect(row?.top).toEqual([])
  expect(row?.logprob).toBeCloseTo(logprob(0, 2), 5)
})

const text = (bytes: readonly number[] | undefined) => bytes && Buffer.from(bytes).toString()

test.each([
  ['SentencePiece', 1, '▁the', ' the'],
  ['SentencePiece, more than ASCII', 1, 'ก', 'ก'],
  ['byte pairs', 2, 'Ġthe', ' the'],
  ['byte pairs, a line end', 2, 'Ċ', '\n'],
  ['byte pairs, more than ASCII', 2, 'Ã©', 'é'],
  ['byte pairs, a token that was added', 2, '<|im_end|>', '<|im_end|>'],
])('the bytes of a token of %s', (_name, kind, written, expected) => {
  expect(text(tokenBytes(kind, written))).toBe(expected)
})

test('a token that is one byte is that byte, and half a character is its half', () => {
  expect(tokenBytes(1, '<0xE0>')).toEqual([0xe0])
  expect(tokenBytes(2, 'à')).toEqual([0xe0])
  expect(tokenBytes(3, '##ing')).toBeUndefined()
})
