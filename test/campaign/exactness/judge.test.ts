import { describe, expect, test } from 'vitest'
import { type Alone, differenceOf } from './judge.ts'

const alone: Alone = {
  tokens: [1, 2, 3, 4],
  gaps: [5, 0.0002, 3, 2],
  ends: [3, 6, 6, 9],
  text: 'onetwosix',
}

describe('a difference between two greedy answers', () => {
  test('is none between equal ones, or where half a character hangs at the end', () => {
    expect(differenceOf('onetwosix', 'onetwosix', alone)).toBeUndefined()
    expect(differenceOf('onetwosix\uFFFD', 'onetwosix', alone)).toBeUndefined()
  })

  test('is a tie where the run alone was in doubt at the first token that differs', () => {
    const found = differenceOf('onetwosix', 'oneTWOsix', alone)
    expect(found).toEqual({ at: 1, gap: 0.0002, tie: true })
  })

  test('is none where it was sure, whatever it doubted before or after', () => {
    expect(differenceOf('onetwosix', 'ONEtwosix', alone)).toMatchObject({ at: 0, tie: false })
    expect(differenceOf('onetwosix', 'onetwoSIX', alone)).toMatchObject({ gap: 2, tie: false })
  })

  test('is judged where either left the run alone, when that differs from both', () => {
    expect(differenceOf('oneTWOsix', 'oneTWOsiX', alone)).toMatchObject({ at: 1, tie: true })
  })

  test('counts an answer that ends too early', () => {
    expect(differenceOf('onetwosix', 'one', alone)).toMatchObject({ at: 1 })
    expect(
      differenceOf('onetwosix', 'onetwosixseven', { ...alone, gaps: [5, 5, 3, 2, 0.5] }),
    ).toEqual({
      ...{ at: 4, gap: 0.5, tie: false },
    })
  })
})
