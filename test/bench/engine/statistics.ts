/** Medians and their uncertainty. Pure. */

/** The same numbers for the same seed, in [0, 1). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Linear between the two nearest ranks; NaN of nothing. `share` is 0 to 1. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  if (sorted.length === 0) return Number.NaN
  const rank = share * (sorted.length - 1)
  const below = sorted[Math.floor(rank)] ?? Number.NaN
  const above = sorted[Math.ceil(rank)] ?? Number.NaN
  return below + (above - below) * (rank - Math.floor(rank))
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** A figure and its 95 % interval. */
export interface Estimate {
  value: number
  low: number
  high: number
}

const RESAMPLES = 2000

/** Median with its bootstrap interval. */
export const medianOf = (values: readonly number[]): Estimate =>
  bootstrap([values], ([sample]) => median(sample ?? []))

/** Ratio of the medians `ours / other`. */
export const ratioOf = (ours: readonly number[], other: readonly number[]): Estimate =>
  bootstrap([ours, other], ([mine, theirs]) => median(mine ?? []) / median(theirs ?? []))

/** Difference of the medians `ours - other`. */
export const differenceOf = (ours: readonly number[], other: readonly number[]): Estimate =>
  bootstrap([ours, other], ([mine, theirs]) => median(mine ?? []) - median(theirs ?? []))

/** Percentile bootstrap: each sample is drawn anew with replacement. Same samples, same interval. */
function bootstrap(
  samples: readonly (readonly number[])[],
  figure: (samples: readonly (readonly number[])[]) => number,
): Estimate {
  const random = randomNumbers(1)
  const draw = (sample: readonly number[]) =>
    sample.map(() => sample[Math.floor(random() * sample.length)] ?? Number.NaN)
  const drawn = Array.from({ length: RESAMPLES }, () => figure(samples.map(draw)))
  return { value: figure(samples), low: quantile(drawn, 0.025), high: quantile(drawn, 0.975) }
}

export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)

/** Least squares: how much `y` grows when `x` grows by one. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  const variance = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  return covariance / variance
}
