import type { Markers } from './markers.ts'

/** A part of reading a text: it yields where the text so far does not decide how to go on. */
export type Reading<Result> = Generator<undefined, Result, undefined>

const SPACE = /[ \t\r\n]*/y
const NEWLINES = /\n*/y

/**
 * A text that comes in pieces, read from left to right. What is read depends on the text alone, never
 * on its pieces. Each piece is passed over once, whatever is in it: what must wait for more text is
 * at most as long as a marker or a tag.
 */
export class TextFeed {
  #text = ''
  #at = 0
  #ended = false
  #unaccounted = ''

  push(piece: string): void {
    this.#text = this.#text.slice(this.#at) + piece
    this.#at = 0
  }

  end(): void {
    this.#ended = true
  }

  /** Nothing comes after what was pushed. */
  get ended(): boolean {
    return this.#ended
  }

  /** Text that was read since the last call of this: the caller has said what it stands for, or says so now. */
  account(): string {
    const text = this.#unaccounted
    this.#unaccounted = ''
    return text
  }

  take(count: number): string {
    const text = this.#text.slice(this.#at, this.#at + count)
    this.#at += text.length
    this.#unaccounted += text
    return text
  }

  /** The next `count` characters, or as many as there are; they stay unread. */
  *see(count: number): Reading<string> {
    while (this.#text.length - this.#at < count && !this.#ended) yield
    return this.#text.slice(this.#at, this.#at + count)
  }

  /** Which of `literals` comes next; it stays unread. The earlier in the list wins. */
  *next<Literal extends string>(literals: readonly Literal[]): Reading<Literal | undefined> {
    for (const literal of literals) {
      while (this.#mayComeNext(literal)) yield
      if (this.#text.startsWith(literal, this.#at)) return literal
    }
    return undefined
  }

  #mayComeNext(literal: string): boolean {
    const length = this.#text.length - this.#at
    return !this.#ended && length < literal.length && literal.startsWith(this.#text.slice(this.#at))
  }

  /** Reads `literal` if it comes next. */
  *literal(literal: string): Reading<boolean> {
    if ((yield* this.next([literal])) === undefined) return false
    this.take(literal.length)
    return true
  }

  *space(): Reading<string> {
    return yield* this.run(SPACE)
  }

  *newlines(): Reading<string> {
    return yield* this.run(NEWLINES)
  }

  /** Reads on as long as the sticky `pattern` matches; it must match nothing, too. */
  *run(pattern: RegExp): Reading<string> {
    let text = ''
    for (;;) {
      pattern.lastIndex = this.#at
      text += this.take(pattern.exec(this.#text)?.[0].length ?? 0)
      if (this.#ended || this.#at < this.#text.length) return text
      yield
    }
  }

  /** Reads up to `marker` and past it, if it comes within `limit` characters; gives what is before it. */
  *upTo(marker: string, limit: number): Reading<string | undefined> {
    const most = limit + marker.length
    for (;;) {
      const seen = this.#text.slice(this.#at, this.#at + most)
      const length = seen.indexOf(marker)
      if (length >= 0) {
        this.take(length + marker.length)
        return seen.slice(0, length)
      }
      if (this.#ended || seen.length === most) return undefined
      yield
    }
  }

  /** Reads up to the next of `markers`, which stays unread, or to the end. `give` gets the text as it comes. */
  *until(markers: Markers, give: (text: string) => void): Reading<string | undefined> {
    for (;;) {
      const found = markers.find(this.#text, this.#at)
      const held = this.#ended ? 0 : markers.heldLength(this.#text, this.#at)
      const length = (found?.at ?? this.#text.length - held) - this.#at
      if (length > 0) give(this.take(length))
      if (found !== undefined) return found.marker
      if (this.#ended) return undefined
      yield
    }
  }
}
