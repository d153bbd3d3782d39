import { describe, expect, test } from 'vitest'
import { type Features, actedOf } from './acted.ts'

const off: Features = {
  ...{ streams: 6, slots: 16, shaping: false, prefixCache: false, drafts: false },
}
const idle = {
  cache: { tokens: { slot: 0, memory: 0, volume: 0 }, entries: 0, bytes: 0 },
  drafts: { accepted: 0, rejected: 0 },
  shaping: { padRows: 0, moves: 0, copies: 0 },
}
/** Milliseconds by rows: each row costs one more, and where eight are as cheap as five. */
const even = Array.from({ length: 16 }, (_, at) => 10 + at)
const dip = even.map((ms, at) => (at === 7 ? 13 : ms))

const failuresOf = (arm: Partial<Features>, counted: Partial<typeof idle> = {}, ms = dip) =>
  actedOf({ ...off, ...arm }, { ...idle, ...counted }, ms).failures

const hits = (slot: number, memory: number) => ({
  cache: { ...idle.cache, tokens: { slot, memory, volume: 0 } },
})
const shaped = (padRows: number, moves: number, copies: number) => ({
  shaping: { padRows, moves, copies },
})

describe('an arm must have done what it is named for', () => {
  test('nothing is demanded of one without features', () => {
    expect(failuresOf({})).toEqual([])
  })

  test('cached: a token came from a slot or from memory', () => {
    expect(failuresOf({ prefixCache: true })).toEqual([expect.stringContaining('cached tokens')])
    expect(failuresOf({ prefixCache: true }, hits(5, 0))).toEqual([])
  })

  test('restored: a token came from memory, not only from a slot', () => {
    const arm = { prefixCache: true, restored: true } as const
    expect(failuresOf(arm, hits(5, 0))).toEqual([expect.stringContaining('from memory')])
    expect(failuresOf(arm, hits(0, 5))).toEqual([])
  })

  test('guessed: a draft came true, where there is one stream', () => {
    const accepted = { drafts: { accepted: 1, rejected: 0 } }
    expect(failuresOf({ drafts: true })).toEqual([])
    expect(failuresOf({ drafts: true, streams: 1 })).toEqual([expect.stringContaining('drafts')])
    expect(failuresOf({ drafts: true, streams: 1 }, accepted)).toEqual([])
  })

  test('shaped: pad rows or moves, where few streams are in many slots and padding pays', () => {
    expect(failuresOf({ shaping: true })).toEqual([expect.stringContaining('pad rows')])
    expect(failuresOf({ shaping: true }, shaped(0, 0, 9))).toHaveLength(1)
    expect(failuresOf({ shaping: true }, shaped(1, 0, 0))).toEqual([])
    expect(failuresOf({ shaping: true }, shaped(0, 1, 0))).toEqual([])
    expect(failuresOf({ shaping: true, streams: 16 })).toEqual([])
    expect(failuresOf({ shaping: true, streams: 1 })).toEqual([])
  })

  test('shaped where padding never pays: moves or copies', () => {
    expect(failuresOf({ shaping: true }, {}, even)).toEqual([expect.stringContaining('copies')])
    expect(failuresOf({ shaping: true }, shaped(0, 0, 1), even)).toEqual([])
  })

  test('padded: pad rows, not only moves', () => {
    const arm = { shaping: true, padded: true } as const
    expect(failuresOf(arm, shaped(0, 1, 0))).toEqual(['no pad rows: nothing is proved'])
    expect(failuresOf(arm, shaped(1, 0, 0))).toEqual([])
  })

  test('what is off did nothing', () => {
    expect(failuresOf({}, hits(1, 0))).toEqual([expect.stringContaining('are off')])
    expect(failuresOf({}, shaped(1, 0, 0))).toHaveLength(1)
  })
})
