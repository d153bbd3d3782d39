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

/** The median of the runs and a 95 % interval by Student's t; of one run there is none: NaN. */
export interface Estimate {
  value: number
  low: number
  high: number
}
type Interval = Omit<Estimate, 'value'>

/** On logarithms, for times and rates err by a share; values of 0 or less have none and stay plain. */
export function medianOf(values: readonly number[]): Estimate {
  const value = median(values)
  if (!arePositive(values)) return { value, ...around(momentsOf(values)) }
  return { value, ...fromLogs(around(momentsOf(values.map(Math.log)))) }
}

/** Ratio of the medians `ours / other`; its interval by Welch's t on logarithms. */
export function ratioOf(ours: readonly number[], other: readonly number[]): Estimate {
  const value = median(ours) / median(other)
  if (!arePositive(ours) || !arePositive(other)) return { value, ...plainRatio(ours, other) }
  return { value, ...fromLogs(welch(ours.map(Math.log), other.map(Math.log))) }
}

/** Difference of the medians `ours - other`; its interval by Welch's t. */
export const differenceOf = (ours: readonly number[], other: readonly number[]): Estimate => ({
  value: median(ours) - median(other),
  ...welch(ours, other),
})

/** The median of the ratios run by run, for two figures of the same runs; its interval is `medianOf`'s. */
export const pairedRatioOf = (ours: readonly number[], other: readonly number[]): Estimate =>
  medianOf(pairs(ours, other).map(([mine, theirs]) => mine / theirs))

/** The same of differences; its interval by Student's t on the values. */
export function pairedDifferenceOf(ours: readonly number[], other: readonly number[]): Estimate {
  const differences = pairs(ours, other).map(([mine, theirs]) => mine - theirs)
  return { value: median(differences), ...around(momentsOf(differences)) }
}

function pairs(ours: readonly number[], other: readonly number[]): [number, number][] {
  if (ours.length !== other.length) throw new Error('figures of the same runs are as many')
  return ours.map((value, at) => [value, other[at] ?? Number.NaN])
}

const arePositive = (values: readonly number[]): boolean => values.every((value) => value > 0)
const fromLogs = ({ low, high }: Interval): Interval => ({
  low: Math.exp(low),
  high: Math.exp(high),
})

/** A mean, the square of its standard error, and the degrees of freedom of that. */
interface Moments {
  mean: number
  squaredError: number
  freedom: number
}

function momentsOf(values: readonly number[]): Moments {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const freedom = values.length - 1
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / freedom
  return { mean, squaredError: variance / values.length, freedom }
}

/** NaN where nothing is free: a single value says nothing of how far others lie. */
function around({ mean, squaredError, freedom }: Moments): Interval {
  const reach = freedom < 1 ? Number.NaN : quantileOfT(freedom) * Math.sqrt(squaredError)
  return { low: mean - reach, high: mean + reach }
}

/** Of the mean of `ours` less that of `other`, whose spreads may differ (Welch-Satterthwaite). */
function welch(ours: readonly number[], other: readonly number[]): Interval {
  const [mine, theirs] = [momentsOf(ours), momentsOf(other)]
  const squaredError = mine.squaredError + theirs.squaredError
  const shares = [mine, theirs].map((each) => each.squaredError ** 2 / each.freedom)
  // Without any spread it is 0 / 0, and no matter.
  const freedom = squaredError ** 2 / ((shares[0] ?? 0) + (shares[1] ?? 0))
  return around({ mean: mine.mean - theirs.mean, squaredError, freedom })
}

/** The error of a ratio of means, to first order; none where the divisor is not above 0. */
function plainRatio(ours: readonly number[], other: readonly number[]): Interval {
  const divisor = momentsOf(other).mean
  if (!(divisor > 0)) return { low: Number.NaN, high: Number.NaN }
  const ratio = momentsOf(ours).mean / divisor
  const { low, high } = welch(
    ours,
    other.map((value) => value * ratio),
  )
  return { low: ratio + low / divisor, high: ratio + high / divisor }
}

/** Student's t of 0.975, by degrees of freedom from 1 on. */
const T_975 = [
  ...[12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228],
  ...[2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086],
  ...[2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042],
]
const NORMAL_975 = 1.96
/** What floating point may lack of a whole number. */
const ROUNDING = 1e-9

export const quantileOfT = (freedom: number): number =>
  T_975[Math.floor(freedom + ROUNDING) - 1] ?? NORMAL_975

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
