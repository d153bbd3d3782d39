import { inClass } from './grammar-writer.ts'

/** Code points from the first to the second. */
export type Range = readonly [from: number, to: number]

const LAST = 0x10ffff
/** No text of UTF-8 holds them. */
const SURROGATES: Range = [0xd800, 0xdfff]

/** Sorted, joined, without surrogates. */
export function normalised(ranges: readonly Range[]): Range[] {
  const joined: [number, number][] = []
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1)
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to)
    else joined.push([from, to])
  }
  return joined.flatMap((range) => without(range, SURROGATES))
}

function without([from, to]: Range, [first, last]: Range): Range[] {
  const before: Range[] = from < first ? [[from, Math.min(to, first - 1)]] : []
  const after: Range[] = to > last ? [[Math.max(from, last + 1), to]] : []
  return [...before, ...after]
}

/** All code points that are in none of them. */
export function complement(ranges: readonly Range[]): Range[] {
  const rest: Range[] = []
  let next = 0
  for (const [from, to] of normalised(ranges)) {
    if (from > next) rest.push([next, from - 1])
    next = to + 1
  }
  if (next <= LAST) rest.push([next, LAST])
  return normalised(rest)
}

export const intersection = (a: readonly Range[], b: readonly Range[]): Range[] =>
  complement([...complement(a), ...complement(b)])

/** As a grammar's class; undefined: of nothing. */
export function classOf(ranges: readonly Range[]): string | undefined {
  if (ranges.length === 0) return undefined
  const parts = ranges.map(([from, to]) =>
    from === to ? inClass(from) : `${inClass(from)}-${inClass(to)}`,
  )
  return `[${parts.join('')}]`
}
