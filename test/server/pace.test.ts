import { expect, test } from 'vitest'
import { Pace } from '../../server/engine/pace.ts'

test('the steady rate of prefill is the mean where all steps are alike, and below it where not', () => {
  const even = new Pace()
  const uneven = new Pace()
  for (let step = 0; step < 100; step++) {
    even.prefilled(100, 100)
    uneven.prefilled(100, step % 2 === 0 ? 80 : 120)
  }
  expect(even.prefillTokensPerMs).toBeCloseTo(1, 2)
  expect(even.steadyPrefillTokensPerMs).toBeCloseTo(1, 2)
  expect(uneven.prefillTokensPerMs).toBeGreaterThan(0.95)
  // Within the time that was planned by it, the slower half of the steps too.
  expect(100 / uneven.steadyPrefillTokensPerMs).toBeGreaterThan(120)
})

test('a handful of tokens says nothing of the rate', () => {
  const pace = new Pace()
  const before = pace.prefillTokensPerMs
  pace.prefilled(15, 1000)
  expect(pace.prefillTokensPerMs).toBe(before)
})
