import { expect, test } from 'vitest'
import {
  type Estimate,
  differenceOf,
  medianOf,
  pairedDifferenceOf,
  pairedRatioOf,
  quantile,
  quantileOfT,
  randomNumbers,
  ratioOf,
  slope,
} from './statistics.ts'

test('a quantile lies between the ranks that it falls between', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
  expect(quantile([10, 20, 30], 0)).toBe(10)
  expect(quantile([10, 20, 30], 1)).toBe(30)
  expect(quantile([10, 20, 30], 0.75)).toBe(25)
  expect(quantile([], 0.5)).toBeNaN()
})

/** Expected ones were computed apart, with quantiles from a numerical integral of the density of t. */
function expectEstimate(got: Estimate, value: number, low: number, high: number): void {
  expect(got.value).toBeCloseTo(value, 6)
  expect(got.low / low).toBeCloseTo(1, 3)
  expect(got.high / high).toBeCloseTo(1, 3)
}

const OURS = [126, 118, 132, 121, 129]
const OTHERS = [45.5, 42.9, 48.1, 44, 47.2]

test('the interval of positive figures is that of Student on their logarithms', () => {
  expectEstimate(medianOf(OURS), 126, 118.17565, 132.41971)
})

test('the interval of a ratio is that of Welch on the logarithms', () => {
  expectEstimate(ratioOf(OURS, OTHERS), 2.7692308, 2.5640745, 2.9481298)
})

test('the interval of a difference is that of Welch on the values', () => {
  expectEstimate(differenceOf([3.1, 2.2, 6.2], [0.4, 0.5, 0.3, 0.6]), 2.65, -1.8368, 8.60347)
})

test('figures of the same runs are compared run by run: what a run was like is not in the interval', () => {
  const [fast, slow] = [
    [9, 19, 31],
    [10, 20, 30],
  ]
  expectEstimate(pairedDifferenceOf(fast, slow), -1, -3.202, 2.53533)
  expectEstimate(pairedRatioOf([2, 40, 600], [1, 20, 300]), 2, 2, 2)
  expect(() => pairedRatioOf([1, 2], [1])).toThrow('as many')
})

test('figures of 0 or less have no logarithm: their interval is on the values', () => {
  expectEstimate(medianOf([0, 4, 8]), 4, -5.93655, 13.93655)
  expectEstimate(ratioOf([0, 4, 8], [10, 12, 14]), 1 / 3, -0.506134, 1.172801)
})

test('a ratio to nothing, or to less, has no interval', () => {
  expect(ratioOf([1, 2], [-2, -2])).toEqual({ value: -0.75, low: NaN, high: NaN })
  expect(ratioOf([1, 2], [0, 0])).toEqual({ value: Infinity, low: NaN, high: NaN })
})

test('one run has no interval, and its ratio is exact', () => {
  const none = { low: NaN, high: NaN }
  expect(medianOf([3])).toEqual({ value: 3, ...none })
  expect(ratioOf([3], [2])).toEqual({ value: 1.5, ...none })
  expect(ratioOf([3], [2, 2.1, 1.9])).toEqual({ value: 1.5, ...none })
  expect(differenceOf([3, 4], [2])).toEqual({ value: 1.5, ...none })
  expect(medianOf([])).toEqual({ value: NaN, ...none })
})

test('figures that are all the same leave nothing uncertain', () => {
  expectEstimate(ratioOf([6, 6, 6], [3, 3, 3]), 2, 2, 2)
  expectEstimate(differenceOf([6, 6], [4, 4]), 2, 2, 2)
})

test('the quantile of t falls with the freedom that there is, in whole degrees', () => {
  expect([1, 2, 4, 8, 30].map(quantileOfT)).toEqual([12.706, 4.303, 2.776, 2.306, 2.042])
  expect(quantileOfT(7.989914)).toBe(2.365)
  // What is 8 but for floating point.
  expect(quantileOfT(8 - 1e-12)).toBe(2.306)
  expect(quantileOfT(31)).toBe(1.96)
})

test('in 95 of 100 commands of five runs the interval holds the truth', () => {
  const random = randomNumbers(7)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const runs = (middle: number) => Array.from({ length: 5 }, () => middle * Math.exp(normal() / 10))
  const held = Array.from({ length: 2000 }, () => ratioOf(runs(200), runs(100))).filter(
    ({ low, high }) => low <= 2 && high >= 2,
  )
  expect(held.length / 2000).toBeGreaterThan(0.94)
  expect(held.length / 2000).toBeLessThan(0.97)
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
