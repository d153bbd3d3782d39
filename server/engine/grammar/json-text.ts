/** How JSON writes the characters of a text: as grammar expressions. */
import { type Range, classOf, complement, intersection } from './character-class.ts'
import { literal } from './grammar-writer.ts'
import type { GrammarWriter } from './grammar-writer.ts'

/** Written with a backslash and a letter. */
const SHORT: ReadonlyMap<number, string> = new Map([
  ...([
    [0x22, '\\"'],
    [0x5c, '\\\\'],
    [0x08, '\\b'],
    [0x0c, '\\f'],
    [0x0a, '\\n'],
    [0x0d, '\\r'],
    [0x09, '\\t'],
  ] as const),
])
/** May not stand as they are; 0x7f may, and no model means it. */
const ESCAPED: readonly Range[] = [
  [0x00, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
  [0x7f, 0x7f],
]
/** Characters that stand for themselves. */
export const PLAIN: readonly Range[] = complement(ESCAPED)
/** `\u` and four digits of no surrogate: half of a pair would be no character. */
const UNICODE = '"\\\\u" ([0-9a-cA-CefEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2})'

/** Any one character, plain or escaped. */
export const anyCharacter = (writer: GrammarWriter): string =>
  writer.either([classOf(PLAIN) ?? '', '[\\\\] ["\\\\bfnrt/]', writer.rule(UNICODE)])

/** One character of those; each in the one way that JSON.stringify writes it. undefined: there are none. */
export function characterOf(writer: GrammarWriter, ranges: readonly Range[]): string | undefined {
  const plain = classOf(intersection(ranges, PLAIN))
  const escaped = intersection(ranges, ESCAPED).flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, index) => literal(escapeOf(from + index))),
  )
  const ways = [...(plain === undefined ? [] : [plain]), ...escaped]
  return ways.length === 0 ? undefined : writer.either(ways)
}

const escapeOf = (code: number): string =>
  SHORT.get(code) ?? `\\u${code.toString(16).padStart(4, '0')}`
