/**
 * One kind of text of an answer. Newlines beside a marker belong to the marker, so those at the end
 * wait for what follows them.
 */
export class TextChannel {
  readonly #give: (text: string) => void
  #newlines = 0
  #afterMarker = false

  constructor(give: (text: string) => void) {
    this.#give = give
  }

  push(text: string): void {
    const start = this.#afterMarker ? firstOther(text) : 0
    if (start === text.length) return
    const end = lastOther(text, start)
    if (end > start) {
      this.#give('\n'.repeat(this.#newlines) + text.slice(start, end))
      this.#newlines = 0
      this.#afterMarker = false
    }
    this.#newlines += text.length - end
  }

  /** A marker stands here. */
  mark(): void {
    this.#newlines = 0
    this.#afterMarker = true
  }

  /** No text follows. */
  flush(): void {
    if (this.#newlines > 0) this.#give('\n'.repeat(this.#newlines))
    this.#newlines = 0
  }
}

/** Where the first character stands that is no newline. */
function firstOther(text: string): number {
  let at = 0
  while (text[at] === '\n') at++
  return at
}

/** Where the newlines begin that `text` ends in. */
function lastOther(text: string, start: number): number {
  let end = text.length
  while (end > start && text[end - 1] === '\n') end--
  return end
}
