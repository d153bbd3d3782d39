/** Regular expressions as grammars: the part of them that needs no memory and no look around. */
import type { Range } from './character-class.ts'
import { complement, normalised } from './character-class.ts'
import type { GrammarWriter } from './grammar-writer.ts'
import { anyCharacter, characterOf } from './json-text.ts'

/** `detail` says what in the pattern is not supported, and where. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
}

const MOST_DEPTH = 32
const MOST_REPEATED = 10_000

const DIGITS: readonly Range[] = [[0x30, 0x39]]
const WORD: readonly Range[] = normalised([
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
])
const SPACE: readonly Range[] = normalised([
  ...([
    [0x09, 0x0d],
    [0x20, 0x20],
    [0xa0, 0xa0],
    [0x1680, 0x1680],
    [0x2000, 0x200a],
  ] as const),
  ...([
    [0x2028, 0x2029],
    [0x202f, 0x202f],
    [0x205f, 0x205f],
    [0x3000, 0x3000],
  ] as const),
  ...([[0xfeff, 0xfeff]] as const),
])
const LINE_ENDS: readonly Range[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]

const CLASSES: Readonly<Record<string, readonly Range[]>> = {
  ...{ d: DIGITS, w: WORD, s: SPACE },
  ...{ D: complement(DIGITS), W: complement(WORD), S: complement(SPACE) },
}
const CONTROL: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, '0': 0 }

/**
 * The texts of a JSON string that match `pattern`, as JSON writes them. As JSON Schema reads it, a
 * pattern without `^` and `$` may match anywhere. Throws PatternError.
 */
export function patternGrammar(writer: GrammarWriter, pattern: string): string {
  return new Reader(writer, pattern).read()
}

class Reader {
  readonly #writer: GrammarWriter
  readonly #text: readonly string[]
  #at = 0

  constructor(writer: GrammarWriter, pattern: string) {
    this.#writer = writer
    this.#text = Array.from(pattern)
  }

  read(): string {
    const ways = [this.#anchored()]
    while (this.#take('|')) ways.push(this.#anchored())
    if (this.#at < this.#text.length) throw this.#problem('a ")" that closes nothing')
    return this.#writer.either(ways.map((way) => (way === '' ? '""' : way)))
  }

  /** Anchors stand at the ends of the whole pattern's alternatives, or the text may go on there. */
  #anchored(): string {
    const any = () => this.#writer.repeated(anyCharacter(this.#writer), 0, undefined)
    const begins = this.#take('^')
    const middle = this.#sequence(0)
    const ends = this.#take('$')
    return [begins ? '' : any(), middle, ends ? '' : any()].filter((part) => part !== '').join(' ')
  }

  #alternatives(depth: number): string {
    if (depth > MOST_DEPTH) throw this.#problem('groups this deep')
    const ways = [this.#sequence(depth)]
    while (this.#take('|')) ways.push(this.#sequence(depth))
    return this.#writer.either(ways.map((way) => (way === '' ? '""' : way)))
  }

  #sequence(depth: number): string {
    const parts: string[] = []
    while (this.#at < this.#text.length && !'|)$'.includes(this.#text[this.#at] ?? '')) {
      parts.push(this.#quantified(this.#atom(depth)))
    }
    return parts.filter((part) => part !== '').join(' ')
  }

  #atom(depth: number): string {
    const character = this.#text[this.#at] ?? ''
    this.#at++
    if (character === '(') return this.#group(depth)
    if (character === '[') return this.#characters(this.#class())
    if (character === '.') return this.#characters(complement(LINE_ENDS))
    if (character === '\\') return this.#characters(this.#escape())
    if ('^*+?{'.includes(character)) throw this.#problem(`a "${character}" here`)
    return this.#characters(single(character.codePointAt(0) ?? 0))
  }

  #group(depth: number): string {
    if (this.#take('?')) {
      // A name says nothing about what matches; what looks around does.
      const named = this.#text[this.#at] === '<' && !'=!'.includes(this.#text[this.#at + 1] ?? '')
      if (named) while (this.#at < this.#text.length && this.#text[this.#at] !== '>') this.#at++
      if (!this.#take(named ? '>' : ':')) throw this.#problem('a group that looks around')
    }
    const inside = this.#alternatives(depth + 1)
    if (!this.#take(')')) throw this.#problem('an anchor inside a group, or a group without end')
    return inside
  }

  #quantified(atom: string): string {
    const bounds = this.#bounds()
    if (bounds === undefined) return atom
    // Lazy or not, the same texts match.
    this.#take('?')
    if ('*+?{'.includes(this.#text[this.#at] ?? ' ')) throw this.#problem('a second repetition')
    return atom === '' ? '' : this.#writer.repeated(atom, ...bounds)
  }

  #bounds(): [least: number, most: number | undefined] | undefined {
    if (this.#take('*')) return [0, undefined]
    if (this.#take('+')) return [1, undefined]
    if (this.#take('?')) return [0, 1]
    const found = /^\{(\d{1,5})(?:(,)(\d{1,5})?)?\}/.exec(
      this.#text.slice(this.#at, this.#at + 14).join(''),
    )
    if (found === null) return undefined
    this.#at += found[0].length
    const least = Number(found[1])
    const most =
      found[2] === undefined ? least : found[3] === undefined ? undefined : Number(found[3])
    if (Math.max(least, most ?? 0) > MOST_REPEATED || (most !== undefined && most < least)) {
      throw this.#problem(`a repetition of ${found[0]}`)
    }
    return [least, most]
  }

  #class(): readonly Range[] {
    const negated = this.#take('^')
    const ranges: Range[] = []
    for (;;) {
      if (this.#at >= this.#text.length) throw this.#problem('a class without end')
      if (this.#take(']')) break
      const from = this.#member()
      const next = this.#text[this.#at + 1]
      if (this.#text[this.#at] !== '-' || next === ']' || next === undefined) ranges.push(...from)
      else {
        this.#at++
        ranges.push(this.#range(from, this.#member()))
      }
    }
    return negated ? complement(ranges) : normalised(ranges)
  }

  #range(from: readonly Range[], to: readonly Range[]): Range {
    const [first, last] = [from[0], to[0]]
    const isOne = (ranges: readonly Range[]) =>
      ranges.length === 1 && ranges[0]?.[0] === ranges[0]?.[1]
    if (
      !isOne(from) ||
      !isOne(to) ||
      first === undefined ||
      last === undefined ||
      first[0] > last[0]
    ) {
      throw this.#problem('a range of characters like this')
    }
    return [first[0], last[0]]
  }

  #member(): readonly Range[] {
    const character = this.#text[this.#at++] ?? ''
    if (character !== '\\') return single(character.codePointAt(0) ?? 0)
    if (this.#take('b')) return single(8)
    return this.#escape()
  }

  /** What follows a backslash. */
  #escape(): readonly Range[] {
    const character = this.#text[this.#at++]
    if (character === undefined) throw this.#problem('a "\\" at the end')
    const known = Object.hasOwn(CLASSES, character) ? CLASSES[character] : undefined
    if (known !== undefined) return known
    if (Object.hasOwn(CONTROL, character)) return single(CONTROL[character] ?? 0)
    const hex = this.#hexadecimal(character)
    if (hex !== undefined) return single(hex)
    if (/[0-9A-Za-z]/.test(character)) throw this.#problem(`"\\${character}"`)
    return single(character.codePointAt(0) ?? 0)
  }

  #hexadecimal(letter: string): number | undefined {
    const rest = this.#text.slice(this.#at, this.#at + 9).join('')
    const forms: Record<string, RegExp> = {
      x: /^([0-9a-fA-F]{2})/,
      u: /^(?:([0-9a-fA-F]{4})|\{([0-9a-fA-F]{1,6})\})/,
    }
    const found = Object.hasOwn(forms, letter) ? forms[letter]?.exec(rest) : undefined
    if (found === undefined || found === null) return undefined
    this.#at += found[0].length
    return Number.parseInt(found[1] ?? found[2] ?? '', 16)
  }

  #characters(ranges: readonly Range[]): string {
    const expression = characterOf(this.#writer, ranges)
    if (expression === undefined) throw this.#problem('a class of no character')
    return expression
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #problem(what: string): PatternError {
    return new PatternError(`${what}, at character ${this.#at}`)
  }
}

const single = (code: number): readonly Range[] => [[code, code]]
