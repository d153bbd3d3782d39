/** Numbers within bounds, as classes of digits: no grammar can count. */

/** One digit, from the first to the second. */
type Digit = readonly [from: number, to: number]

/** Whole numbers from `from` to `to` (0 <= from <= to), each way with a fixed count of digits. */
export function digitsBetween(from: bigint, to: bigint): Digit[][] {
  const ways: Digit[][] = []
  for (let least = from; least <= to;) {
    const ofThisLength = 10n ** BigInt(`${least}`.length) - 1n
    const most = ofThisLength < to ? ofThisLength : to
    ways.push(...sameLength(digitsOf(least), digitsOf(most)))
    least = most + 1n
  }
  return ways
}

const digitsOf = (value: bigint) => Array.from(`${value}`, Number)

/** Between two numbers of as many digits, the first not above the second. */
function sameLength(from: readonly number[], to: readonly number[]): Digit[][] {
  const [first, ...low] = from
  const [last, ...high] = to
  if (first === undefined || last === undefined) return [[]]
  const any: Digit[] = low.map(() => [0, 9])
  const lowIsAll = low.every((digit) => digit === 0)
  const highIsAll = high.every((digit) => digit === 9)
  if (first === last) return sameLength(low, high).map((rest) => [[first, first], ...rest])
  const bottom = lowIsAll
    ? []
    : sameLength(
        low,
        low.map(() => 9),
      ).map((rest): Digit[] => [[first, first], ...rest])
  const top = highIsAll
    ? []
    : sameLength(
        high.map(() => 0),
        high,
      ).map((rest): Digit[] => [[last, last], ...rest])
  const [start, end] = [lowIsAll ? first : first + 1, highIsAll ? last : last - 1]
  const middle: Digit[][] = start <= end ? [[[start, end], ...any]] : []
  return [...bottom, ...middle, ...top]
}

/** As a grammar's expression: a sequence of classes, with a point before the last `decimals` of them. */
export function expressionOf(digits: readonly Digit[], decimals = 0): string {
  const padded = [...Array.from({ length: decimals + 1 - digits.length }, (): Digit => [0, 0])]
  const all = decimals === 0 ? digits : [...padded, ...digits]
  const parts = all.map(([from, to]) => (from === to ? `[${from}]` : `[${from}-${to}]`))
  if (decimals > 0) parts.splice(parts.length - decimals, 0, '"."')
  return parts.join(' ')
}
