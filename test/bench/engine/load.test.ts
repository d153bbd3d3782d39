import { expect, test } from 'vitest'
import type { Answer } from './client.ts'
import { decodeRate, gapsOf, summarise } from './load.ts'

/** Asked at 0; a text each `gap` ms from `first` on, one token each. */
const answer = (first: number, gap: number, count: number, more: Partial<Answer> = {}): Answer => {
  const eventsAt = Array.from({ length: count }, (_, index) => first + index * gap)
  return {
    ...{ status: 200, askedAt: 0, eventsAt, endedAt: eventsAt.at(-1) ?? 0, promptTokens: 8 },
    ...{ completionTokens: count, cachedTokens: 0, resets: 0, error: '' },
    ...more,
  }
}

test('rates count from the first request to the last answer', () => {
  const figures = summarise([answer(100, 10, 91), answer(200, 20, 41)])
  expect(figures).toMatchObject({ tokensPerSecond: 132, requestsPerSecond: 2, ttftP50: 150 })
})

test('what failed or broke off gives no tokens and counts as an error', () => {
  const cut = answer(100, 10, 50, { status: 0, completionTokens: 0, endedAt: 1000 })
  const short = answer(100, 10, 50, { error: 'an answer of another length' })
  expect(summarise([answer(100, 9, 101), cut, short])).toMatchObject({ tokens: 101, errors: 2 })
})

test('gaps lie within an answer, never between two', () => {
  expect(gapsOf([answer(0, 10, 3), answer(500, 20, 2)])).toEqual([10, 10, 20])
})

test('the decode phase begins with the last first text and ends with the first last one', () => {
  // From 100 to 400 ms one stream has 30 texts, the other 15.
  expect(decodeRate([answer(0, 10, 41), answer(100, 20, 21)])).toBeCloseTo(150)
})

test('without a time in which all decode there is no rate of it', () => {
  expect(decodeRate([answer(0, 10, 11), answer(200, 10, 11)])).toBeNaN()
  expect(decodeRate([answer(0, 10, 11), answer(100, 10, 11)])).toBeNaN()
})

test('texts that carry several tokens each count with all of them', () => {
  expect(decodeRate([answer(0, 10, 101, { completionTokens: 202 })])).toBeCloseTo(200)
})
