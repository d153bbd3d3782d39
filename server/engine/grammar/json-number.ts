import type { GrammarWriter } from './grammar-writer.ts'
import { digitsBetween, expressionOf } from './number-range.ts'

/** Both bounds included; undefined: none. */
export interface Bounds {
  least: number | undefined
  most: number | undefined
}

/** Beyond fifteen digits a number is no longer what it reads. */
const MOST_DIGITS = 15
const MOST_UNITS = 10n ** BigInt(MOST_DIGITS) - 1n
const END = 10 ** MOST_DIGITS
const MOST_DECIMALS = 6
const WHOLE = `([0] | [1-9] [0-9]{0,${MOST_DIGITS - 1}})`

export const anyInteger = (writer: GrammarWriter): string => writer.rule(`"-"? ${WHOLE}`)

/** A short exponent: a long one would be read as infinite. */
export const anyNumber = (writer: GrammarWriter): string =>
  writer.rule(`"-"? ${WHOLE} ("." [0-9]{1,${MOST_DIGITS}})? ([eE] [-+]? [0-9]{1,2})?`)

/** undefined: there is none. */
export function integerWithin(writer: GrammarWriter, bounds: Bounds): string | undefined {
  if (bounds.least === undefined && bounds.most === undefined) return anyInteger(writer)
  const ways = signedBetween(...scaled(bounds, 0), 0)
  return ways.length === 0 ? undefined : writer.either(ways)
}

/**
 * Numbers with as many decimals as the bounds have, and at least two: not all that the bounds allow,
 * and none that they don't. undefined: there is none.
 */
export function numberWithin(writer: GrammarWriter, bounds: Bounds): string | undefined {
  const { least, most } = bounds
  if (least === undefined && most === undefined) return anyNumber(writer)
  const whole = integerWithin(writer, bounds)
  const decimals = Math.max(2, decimalsOf(least), decimalsOf(most))
  const ways = decimals > MOST_DECIMALS ? [] : signedBetween(...scaled(bounds, decimals), decimals)
  const all = whole === undefined ? ways : [...ways, whole]
  return all.length === 0 ? undefined : writer.either(all)
}

/** The bounds in units of the last decimal, none of them beyond what is written. */
function scaled({ least, most }: Bounds, decimals: number): [from: bigint, to: bigint] {
  const scale = 10 ** decimals
  const inUnits = (value: number | undefined, end: number, cut: (value: number) => number) =>
    // Beyond the end nothing can be scaled without loss, and nothing is written either.
    BigInt(cut(round(Math.max(-END, Math.min(END, value ?? end)) * scale)))
  const from = inUnits(least, -END, Math.ceil)
  const to = inUnits(most, END, Math.floor)
  const last = MOST_UNITS
  return [from < -last ? -last : from, to > last ? last : to]
}

function decimalsOf(value: number | undefined): number {
  const text = value === undefined ? '' : `${value}`
  if (text.includes('e')) return Math.abs(value ?? 0) < 1 ? MOST_DECIMALS + 1 : 0
  return text.split('.')[1]?.length ?? 0
}

/** A product such as 0.57 * 100 is off by less than this. */
const round = (value: number) =>
  Math.abs(value - Math.round(value)) < 1e-6 ? Math.round(value) : value

function signedBetween(from: bigint, to: bigint, decimals: number): string[] {
  const least = from > 0n ? from : 0n
  const positive = to < least ? [] : digitsBetween(least, to)
  const smallest = to < 0n ? -to : 1n
  const negative = from < 0n && smallest <= -from ? digitsBetween(smallest, -from) : []
  return [
    ...positive.map((digits) => expressionOf(digits, decimals)),
    ...negative.map((digits) => `"-" ${expressionOf(digits, decimals)}`),
  ]
}
