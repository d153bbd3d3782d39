import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CostTable, UNKNOWN_COST } from '../../server/engine/cost-table.ts'
import { Drafts, draftLength } from '../../server/engine/drafts.ts'
import { RepeatedText } from '../../server/engine/repeated-text.ts'

/** Measured on an EPYC: eight rows take as long as 3.7 of one. */
const COST = new CostTable([15.5, 28.7, 37, 41, 58, 58.2, 58.4, 58.6])
const PASSAGE = [5, 9, 2, 7, 7, 1, 8, 3, 6, 4, 11, 12]

describe('text that repeats', () => {
  test('is guessed from what followed the last four tokens before', () => {
    const text = new RepeatedText()
    expect(text.after(PASSAGE, 8)).toEqual([])
    expect(text.after([...PASSAGE, 20, 9, 2, 7], 8)).toEqual([])
    expect(text.after([...PASSAGE, 20, 9, 2, 7, 7], 3)).toEqual([1, 8, 3])
    expect(text.after([...PASSAGE, 20, 9, 2, 7, 7, 1], 99)).toEqual([
      8, 3, 6, 4, 11, 12, 20, 9, 2, 7, 7, 1,
    ])
  })

  test('is guessed from the last of several places, and never from another text', () => {
    const tokens = fc.array(fc.nat(2), { maxLength: 60 })
    fc.assert(
      fc.property(tokens, tokens, (first, more) => {
        const text = new RepeatedText()
        text.after(first, 4)
        const all = [...first, ...more]
        const last = all.slice(-4)
        const ends = all
          .map((_, end) => end)
          .filter(
            (end) => last.length === 4 && last.every((token, at) => all[end - 4 + at] === token),
          )
        const end = ends.at(-1)
        expect(text.after(all, 4)).toEqual(end === undefined ? [] : all.slice(end, end + 4))
      }),
    )
  })
})

describe('a draft', () => {
  test('is as long as pays by the table, and none where none does or nothing is known', () => {
    expect(draftLength(1, COST, 7, 100)).toBe(7)
    expect(draftLength(1, COST, 3, 100)).toBe(3)
    expect(draftLength(0.95, COST, 7, 100)).toBe(7)
    expect(draftLength(0.8, COST, 7, 100)).toBe(3)
    expect(draftLength(0.7, COST, 7, 100)).toBe(0)
    expect(draftLength(1, UNKNOWN_COST, 7, 100)).toBe(0)
  })

  test('takes no longer than others may wait', () => {
    expect(draftLength(1, COST, 7, 50)).toBe(3)
    expect(draftLength(1, COST, 7, 10)).toBe(0)
  })

  test('is made once guesses have come true for a while, and no more when they have not', () => {
    const drafts = new Drafts()
    const held = [...PASSAGE, ...PASSAGE, ...PASSAGE, 20, ...PASSAGE.slice(0, 4)]
    const propose = () => drafts.propose(held, COST, 7, 100)
    let before = 0
    for (; propose().length === 0; before++) drafts.learn([7])
    expect(before).toBeGreaterThan(3)
    expect(before).toBeLessThan(12)
    expect(propose()).toEqual([7, 1, 8])
    for (let more = 0; more < 4; more++) drafts.learn(propose())
    expect(propose()).toEqual([7, 1, 8, 3, 6, 4, 11])
    drafts.learn([7, 1, 99])
    drafts.learn([99])
    // Nothing was guessed for it, so it says nothing of guesses.
    for (let more = 0; more < 9; more++) drafts.learn([99])
    expect(propose()).not.toEqual([])
    for (let more = 0; more < 3; more++) {
      propose()
      drafts.learn([99])
    }
    expect(propose()).toEqual([])
  })
})
