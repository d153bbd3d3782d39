import { expect, test } from 'vitest'
import { TextOffsets } from '../../server/openai/logprobs.ts'

const token = (...bytes: number[]) => ({ bytes, top: [] })
const tokens = (text: string) => token(...Buffer.from(text))

test('offsets count characters, over all parts of an answer', () => {
  const offsets = new TextOffsets()
  expect(offsets.of([tokens('a'), tokens('🌴🌴'), tokens('é')])).toEqual([0, 1, 3])
  expect(offsets.of([])).toEqual([])
  expect(offsets.of([tokens('\u{feff}b'), tokens('c')])).toEqual([4, 6])
})

test('a token that goes on with a character begins where that does', () => {
  const [first, ...rest] = Buffer.from('🌴')
  const offsets = new TextOffsets()
  expect(offsets.of([tokens('a'), token(first!)])).toEqual([0, 1])
  expect(offsets.of([token(...rest), tokens('b')])).toEqual([1, 2])
})
