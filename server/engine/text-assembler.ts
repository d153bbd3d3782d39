/** Tokens held back at most while their bytes are no whole character; then they are text as they are. */
const LONGEST_CHARACTER_TOKENS = 8
/** Tokens of context that a tokenizer needs to know whether a word's space is text. */
const CONTEXT_TOKENS = 8

/** Turns tokens into text as they come; a character that spans tokens is never split. */
export class TextAssembler {
  readonly #detokenize: (tokens: number[], before: number[]) => string
  #held: number[] = []
  #before: number[] = []

  constructor(detokenize: (tokens: number[], before: number[]) => string) {
    this.#detokenize = detokenize
  }

  push(token: number): string {
    this.#held.push(token)
    const text = this.#detokenize(this.#held, this.#before)
    if (text.endsWith('\uFFFD') && this.#held.length < LONGEST_CHARACTER_TOKENS) return ''
    this.#release()
    return text
  }

  /** The answer ended: what is held is text as it is. */
  flush(): string {
    if (this.#held.length === 0) return ''
    const text = this.#detokenize(this.#held, this.#before)
    this.#release()
    return text
  }

  #release(): void {
    this.#before = this.#before.concat(this.#held).slice(-CONTEXT_TOKENS)
    this.#held = []
  }
}
