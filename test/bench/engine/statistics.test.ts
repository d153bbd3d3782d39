import fc from 'fast-check'
import { expect, test } from 'vitest'
import { differenceOf, medianOf, quantile, randomNumbers, ratioOf, slope } from './statistics.ts'

test('a quantile lies between the ranks that it falls between', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
  expect(quantile([10, 20, 30], 0)).toBe(10)
  expect(quantile([10, 20, 30], 1)).toBe(30)
  expect(quantile([10, 20, 30], 0.75)).toBe(25)
  expect(quantile([], 0.5)).toBeNaN()
})

test('the interval of a median holds it and lies within the values', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.1, max: 1000, noNaN: true }), { minLength: 1, maxLength: 9 }),
      (values) => {
        const { value, low, high } = medianOf(values)
        expect(low).toBeLessThanOrEqual(value)
        expect(high).toBeGreaterThanOrEqual(value)
        expect(low).toBeGreaterThanOrEqual(Math.min(...values))
        expect(high).toBeLessThanOrEqual(Math.max(...values))
      },
    ),
    { numRuns: 50 },
  )
})

test('noise of both arms widens the interval of their ratio', () => {
  const calm = ratioOf([100, 101, 99, 100, 100], [50, 50, 50, 50, 50])
  const noisy = ratioOf([100, 101, 99, 100, 100], [50, 40, 60, 45, 55])
  expect(calm.value).toBe(2)
  expect(noisy.value).toBe(2)
  expect(noisy.high - noisy.low).toBeGreaterThan(calm.high - calm.low)
})

test('one run has no interval, and its ratio is exact', () => {
  expect(ratioOf([3], [2])).toEqual({ value: 1.5, low: 1.5, high: 1.5 })
  expect(differenceOf([3], [2])).toEqual({ value: 1, low: 1, high: 1 })
})

test('the same samples give the same interval', () => {
  const samples = [3, 1, 4, 1, 5, 9, 2, 6]
  expect(medianOf(samples)).toEqual(medianOf(samples))
})

test('memory that grows by 2 a request has the slope 2, whatever it starts from', () => {
  expect(
    slope([
      [0, 100],
      [10, 120],
      [20, 140],
    ]),
  ).toBeCloseTo(2)
})

test('random numbers follow their seed and stay in [0, 1)', () => {
  const draw = (seed: number) => Array.from({ length: 100 }, randomNumbers(seed))
  expect(draw(1)).toEqual(draw(1))
  expect(draw(1)).not.toEqual(draw(2))
  expect(draw(1).every((value) => value >= 0 && value < 1)).toBe(true)
})
