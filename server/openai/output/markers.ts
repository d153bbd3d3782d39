/** Texts that are looked for in a text whose next part is unknown. */
export class Markers {
  readonly #texts: readonly string[]
  readonly #pattern: RegExp
  readonly #longest: number

  /** Where one of `texts` begins another, the earlier in the list is found. */
  constructor(texts: readonly string[]) {
    this.#texts = texts
    // One pass for all of them: where markers come often, looking for each would pass over the rest again and again.
    this.#pattern = new RegExp(
      texts.length === 0 ? '(?!)' : texts.map(escapePattern).join('|'),
      'g',
    )
    this.#longest = Math.max(0, ...texts.map((text) => text.length))
  }

  /** The first of them in `text` from `start` on. */
  find(text: string, start: number): { at: number; marker: string } | undefined {
    this.#pattern.lastIndex = start
    const found = this.#pattern.exec(text)
    return found === null ? undefined : { at: found.index, marker: found[0] }
  }

  /** Length of the longest end of `text`, from `start` on, that begins one of them. */
  heldLength(text: string, start: number): number {
    const most = Math.min(this.#longest - 1, text.length - start)
    for (let length = most; length > 0; length--) {
      const end = text.slice(text.length - length)
      if (this.#texts.some((marker) => marker.startsWith(end))) return length
    }
    return 0
  }
}

const escapePattern = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
