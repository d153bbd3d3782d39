export type Tokens = readonly number[] | Uint32Array

/** Token ids in a row, in 4 bytes each, that grows at its end in amortised O(appended). */
export class TokenRun {
  #buffer: Uint32Array
  #length: number

  constructor(tokens: Tokens, from = 0, to = tokens.length) {
    this.#buffer = Uint32Array.from(tokens.slice(from, to))
    this.#length = this.#buffer.length
  }

  get length(): number {
    return this.#length
  }

  get first(): number {
    return this.#buffer[0] ?? -1
  }

  /** How many of `tokens` from `from` on are equal to this run's first ones. */
  common(tokens: Tokens, from: number): number {
    const end = Math.min(this.#length, tokens.length - from)
    let same = 0
    while (same < end && this.#buffer[same] === tokens[from + same]) same++
    return same
  }

  append(tokens: Tokens, from = 0): void {
    const length = this.#length + tokens.length - from
    if (length > this.#buffer.length) {
      const grown = new Uint32Array(Math.max(length, this.#buffer.length * 2, 16))
      grown.set(this.view())
      this.#buffer = grown
    }
    for (let at = from; at < tokens.length; at++) this.#buffer[this.#length++] = tokens[at] ?? 0
  }

  /** Keeps `length` tokens; gives memory back when most of it is unused. */
  truncate(length: number): void {
    this.#length = Math.min(this.#length, length)
    if (this.#length * 4 < this.#buffer.length) this.#buffer = this.#buffer.slice(0, this.#length)
  }

  /** The tokens themselves, valid until the next change. */
  view(): Uint32Array {
    return this.#buffer.subarray(0, this.#length)
  }
}
