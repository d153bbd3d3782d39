import type { Vocabulary as ChatVocabulary } from './chat-tokens.ts'
import type { NativeModel } from './native.ts'
import { tokenBytes } from './token-bytes.ts'

/** llama.cpp's bit of a token that is no text. */
const CONTROL = 1 << 3
/** Tokens of context that a tokenizer needs to know whether a word's space is text. */
const CONTEXT_TOKENS = 3
const MISSING = -1
/** llama.cpp's number of BERT's kind of vocabulary. */
const WORD_PIECES = 3
const NONE: ReadonlySet<number> = new Set()

/** A model's tokens and their text. */
export class Vocabulary implements ChatVocabulary {
  readonly size: number
  readonly #model: NativeModel
  /** By token, as far as was asked. */
  readonly #special: (boolean | undefined)[] = []
  readonly #bytes: (readonly number[] | undefined)[] = []
  /** By the texts, as JSON. */
  readonly #named = new Map<string, ReadonlySet<number>>()

  constructor(model: NativeModel, size: number) {
    this.#model = model
    this.size = size
  }

  tokenize(text: string, special: boolean): number[] {
    return text === '' ? [] : Array.from(this.#model.tokenize(text, special))
  }

  /** Puts the model's first token before `tokens` where it wants one and there is none. */
  withBos(tokens: number[]): number[] {
    const bos = this.#model.tokenBos()
    const wanted = this.#model.shouldPrependBosToken() && bos !== MISSING && tokens[0] !== bos
    return wanted ? [bos, ...tokens] : tokens
  }

  /** A text to be embedded: with the tokens that the model was trained to see around it. */
  withEnds(tokens: number[]): number[] {
    const begun = this.withBos(tokens)
    const end =
      this.#model.getVocabularyType() === WORD_PIECES ? this.#model.sepToken() : this.#end()
    return end === MISSING || begun.at(-1) === end ? begun : [...begun, end]
  }

  #end(): number {
    return this.#model.shouldAppendEosToken() ? this.#model.tokenEos() : MISSING
  }

  /** Text of `tokens` as it follows `before`; control tokens are none, but for those in `shown`. */
  detokenize(
    tokens: readonly number[],
    before: readonly number[],
    shown: ReadonlySet<number> = NONE,
  ): string {
    const at = shown.size === 0 ? -1 : tokens.findIndex((token) => shown.has(token))
    if (at < 0) return this.#follow(tokens, before)
    const [marker = 0, ...rest] = tokens.slice(at)
    const text = this.#model.detokenize(Uint32Array.of(marker), true)
    return this.#follow(tokens.slice(0, at), before) + text + this.detokenize(rest, [marker], shown)
  }

  /** Text of `tokens`, control tokens included. */
  shownText(tokens: readonly number[]): string {
    return tokens.length === 0 ? '' : this.#model.detokenize(Uint32Array.from(tokens), true)
  }

  controlText(token: number): string {
    return this.shownText([token])
  }

  /** The control tokens among `texts`. */
  tokensNamed(texts: readonly string[]): ReadonlySet<number> {
    if (texts.length === 0) return NONE
    const key = JSON.stringify(texts)
    const known = this.#named.get(key)
    if (known !== undefined) return known
    const tokens = texts
      .map((text) => this.tokenize(text, true))
      .filter(({ length }) => length === 1)
    const named = new Set(tokens.flat().filter((token) => this.isSpecial(token)))
    this.#named.set(key, named)
    return named
  }

  /** A token's own bytes: of a part of a character too. */
  bytesOf(token: number): readonly number[] {
    return (this.#bytes[token] ??=
      tokenBytes(this.#model.getVocabularyType(), this.#model.getTokenString(token)) ??
      Array.from(Buffer.from(this.#model.detokenize(Uint32Array.of(token), true))))
  }

  #follow(tokens: readonly number[], before: readonly number[]): string {
    if (tokens.length === 0) return ''
    const context = before.slice(-CONTEXT_TOKENS)
    const head = this.#text(context)
    if (head === '') return this.#text(tokens)
    const all = this.#text([...context, ...tokens])
    return all.startsWith(head) ? all.slice(head.length) : this.#text(tokens)
  }

  isSpecial(token: number): boolean {
    return (this.#special[token] ??= this.#isSpecial(token))
  }

  #isSpecial(token: number): boolean {
    if ((this.#model.getTokenAttributes(token) & CONTROL) !== 0 || this.isEnd(token)) return true
    if (this.#text([token]) !== '') return false
    return this.#model.detokenize(Uint32Array.of(token), true) !== ''
  }

  isEnd(token: number): boolean {
    return this.#model.isEogToken(token)
  }

  /** A token that any prompt may begin with. */
  get start(): number {
    const bos = this.#model.tokenBos()
    return bos === MISSING ? Math.max(0, this.#model.tokenEos()) : bos
  }

  get bosText(): string {
    return this.#textOf(this.#model.tokenBos())
  }

  get eosText(): string {
    return this.#textOf(this.#model.tokenEos())
  }

  #textOf(token: number): string {
    return token === MISSING ? '' : this.#model.getTokenString(token)
  }

  #text(tokens: readonly number[]): string {
    return tokens.length === 0 ? '' : this.#model.detokenize(Uint32Array.from(tokens), false)
  }
}
