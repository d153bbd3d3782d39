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

test('the steady time of a decode step is the mean where all are alike, and beyond it where not', () => {
  const even = new Pace()
  const uneven = new Pace()
  for (let step = 0; step < 100; step++) {
    even.decoded(40)
    uneven.decoded(step % 2 === 0 ? 30 : 50)
  }
  expect(even.steadyDecodeStepMs).toBeCloseTo(40)
  expect(uneven.decodeStepMs).toBeLessThan(45)
  // The slower half of the steps stays within it too.
  expect(uneven.steadyDecodeStepMs).toBeGreaterThan(50)
})

test('a handful of tokens says nothing of the rate', () => {
  const pace = new Pace()
  const before = pace.prefillTokensPerMs
  pace.prefilled(15, 1000)
  expect(pace.prefillTokensPerMs).toBe(before)
})

test('the first measurement counts whole, and leaves room for others to be slower', () => {
  const pace = new Pace()
  expect(pace.measured).toBe(false)
  pace.prefilled(100, 1000)
  pace.decoded(7)
  pace.held(90)
  expect(pace.measured).toBe(true)
  expect(pace.prefillTokensPerMs).toBeCloseTo(0.1)
  expect(pace.steadyPrefillTokensPerMs).toBeCloseTo(0.1 / 1.5)
  expect([pace.decodeStepMs, pace.steadyDecodeStepMs, pace.holdMs]).toEqual([7, 7, 90])
})

test('copies are measured by the steps that make them, and are no part of the rate of prefill', () => {
  const pace = new Pace()
  pace.copied(4, 120)
  expect(pace.copyMs).toBe(30)
  pace.prefilled(100, 130, 1)
  expect(pace.prefillTokensPerMs).toBeCloseTo(1)
})
