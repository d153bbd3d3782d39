/** A grammar would become larger than this engine takes. */
export class GrammarTooLarge extends Error {
  override readonly name = 'GrammarTooLarge'
}

const MOST_CHARACTERS = 256 * 1024
const MOST_RULES = 8192
/** llama.cpp refuses a repetition of 2,000, and takes a longer upper bound for none. */
const MOST_REPEATED = 1000

/**
 * Writes a grammar in llama.cpp's notation (GBNF). Expressions are texts; whatever may be repeated or
 * has alternatives is made a rule of its own, so that any expression may stand beside any other.
 */
export class GrammarWriter {
  readonly #rules = new Map<string, string>()
  /** Rules by what they say: the same is written once. */
  readonly #names = new Map<string, string>()
  readonly #checkTime: () => void
  #characters = 0

  /** `checkTime` throws when writing takes too long. */
  constructor(checkTime: () => void = () => undefined) {
    this.#checkTime = checkTime
  }

  /** The name of a rule with that body. Throws GrammarTooLarge. */
  rule(body: string): string {
    const known = this.#names.get(body)
    if (known !== undefined) return known
    const name = this.reserve()
    this.define(name, body)
    this.#names.set(body, name)
    return name
  }

  /** The name of a rule that will be defined: it may mention itself. */
  reserve(): string {
    this.#checkTime()
    const name = `r${this.#rules.size}`
    if (this.#rules.size >= MOST_RULES) throw new GrammarTooLarge()
    this.#rules.set(name, '')
    return name
  }

  define(name: string, body: string): void {
    this.#characters += body.length
    if (this.#characters > MOST_CHARACTERS) throw new GrammarTooLarge()
    this.#rules.set(name, body)
  }

  /** One of them. */
  either(expressions: readonly string[]): string {
    const different = [...new Set(expressions)]
    return different.length === 1 ? (different[0] ?? '') : this.rule(different.join(' | '))
  }

  optional(expression: string): string {
    return expression === '' ? '' : `${this.rule(expression)}?`
  }

  /** `expression` from `least` to `most` times; undefined: without end. */
  repeated(expression: string, least: number, most: number | undefined): string {
    if (most === 0) return ''
    const one = this.rule(expression)
    if (most === undefined) return this.#atLeast(one, least)
    return this.#between(one, least, most)
  }

  /** The whole grammar. Throws GrammarTooLarge. */
  text(root: string): string {
    if (this.#characters + root.length > MOST_CHARACTERS) throw new GrammarTooLarge()
    const lines = [...this.#rules].map(([name, body]) => `${name} ::= ${body}`)
    return [`root ::= ${root}`, ...lines].join('\n')
  }

  #atLeast(one: string, least: number): string {
    if (least <= MOST_REPEATED) return `${one}{${least},}`
    return `${this.#exactly(one, least)} ${one}*`
  }

  #exactly(one: string, times: number): string {
    if (times <= MOST_REPEATED) return `${one}{${times}}`
    const [dozens, rest] = [Math.floor(times / MOST_REPEATED), times % MOST_REPEATED]
    const many = this.#exactly(this.rule(`${one}{${MOST_REPEATED}}`), dozens)
    return rest === 0 ? many : `${many} ${one}{${rest}}`
  }

  /** Beyond what may be repeated: whole thousands of them, as many as there may be, then the rest. */
  #between(one: string, least: number, most: number): string {
    if (most <= MOST_REPEATED) return `${one}{${least},${most}}`
    if (least > 0) {
      return `${this.#exactly(one, least)} ${this.repeated(one, 0, most - least)}`.trimEnd()
    }
    const thousand = this.rule(`${one}{${MOST_REPEATED}}`)
    const [thousands, rest] = [Math.floor(most / MOST_REPEATED), most % MOST_REPEATED]
    const full = this.#exactly(thousand, thousands)
    const last = rest === 0 ? full : `${full} ${one}{0,${rest}}`
    const fewer = `${this.#between(thousand, 0, thousands - 1)} ${one}{0,${MOST_REPEATED - 1}}`
    return this.either([last, thousands === 1 ? `${one}{0,${MOST_REPEATED - 1}}` : fewer])
  }
}

const ESCAPED: Readonly<Record<string, string>> = {
  ...{ '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\', '"': '\\"' },
}

/** Text as it stands. */
export const literal = (text: string): string =>
  text === '' ? '' : `"${text.replace(/[\n\r\t\\"]/g, (character) => ESCAPED[character] ?? '')}"`

/** One code point as it stands inside a class `[...]`. */
export function inClass(code: number): string {
  if (code < 0x80 && /[0-9A-Za-z]/.test(String.fromCharCode(code))) return String.fromCharCode(code)
  return code <= 0xffff ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`
}

const hex = (code: number, digits: number) => code.toString(16).padStart(digits, '0')
