import { Markers } from './markers.ts'
import type { Outcome } from './output-event.ts'
import type { Reading, TextFeed } from './text-feed.ts'
import { ANY_TYPE, escapeJson, jsonOf, quoteJson } from './value-schema.ts'

/** Braces within braces at most: more than schemas need, and an end for an answer that only opens them. */
const MAX_DEPTH = 64
const BARE = /[^,{}[\]<]*/y
const BARE_KEY = /[^:,{}[\]<]*/y

/**
 * Reads an object as Gemma 4 writes it, {key:<|"|>text<|"|>,other:1}, and gives JSON as it comes. What is
 * neither quoted nor a JSON value is a string.
 */
export function* readBraced(
  feed: TextFeed,
  quote: string,
  give: (json: string) => void,
): Reading<Outcome> {
  return yield* new BracedReader(feed, quote, give).value(0)
}

class BracedReader {
  readonly #feed: TextFeed
  readonly #quote: string
  readonly #marks: Markers
  readonly #give: (json: string) => void

  constructor(feed: TextFeed, quote: string, give: (json: string) => void) {
    this.#feed = feed
    this.#quote = quote
    this.#marks = new Markers([quote])
    this.#give = give
  }

  *value(depth: number): Reading<Outcome> {
    yield* this.#feed.space()
    const start = yield* this.#feed.next([this.#quote, '{', '['])
    if (start === this.#quote) return yield* this.#text()
    if (start === undefined) return yield* this.#bare()
    if (depth === MAX_DEPTH) return 'malformed'
    this.#give(this.#feed.take(1))
    return yield* this.#members(start === '{' ? '}' : ']', depth)
  }

  *#members(end: '}' | ']', depth: number): Reading<Outcome> {
    yield* this.#feed.space()
    let more = !(yield* this.#feed.literal(end))
    while (more) {
      const outcome = yield* this.#member(end, depth)
      if (outcome !== 'complete') return outcome
      yield* this.#feed.space()
      const next = yield* this.#feed.next([',', end])
      if (next === undefined) return this.#broken()
      this.#feed.take(1)
      more = next === ','
      if (more) this.#give(',')
    }
    this.#give(end)
    return 'complete'
  }

  *#member(end: '}' | ']', depth: number): Reading<Outcome> {
    if (end === '}') {
      const outcome = yield* this.#key()
      if (outcome !== 'complete') return outcome
    }
    return yield* this.value(depth + 1)
  }

  *#key(): Reading<Outcome> {
    yield* this.#feed.space()
    if ((yield* this.#feed.next([this.#quote])) !== undefined) {
      const outcome = yield* this.#text()
      if (outcome !== 'complete') return outcome
      if (!(yield* this.#feed.literal(':'))) return this.#broken()
      this.#give(':')
      return 'complete'
    }
    const key = (yield* this.#feed.run(BARE_KEY)).trim()
    if (key === '' || !(yield* this.#feed.literal(':'))) return this.#broken()
    this.#give(`${quoteJson(key)}:`)
    return 'complete'
  }

  *#text(): Reading<Outcome> {
    this.#feed.take(this.#quote.length)
    this.#give('"')
    const end = yield* this.#feed.until(this.#marks, (text) => this.#give(escapeJson(text)))
    if (end === undefined) return 'cut'
    this.#feed.take(this.#quote.length)
    this.#give('"')
    return 'complete'
  }

  *#bare(): Reading<Outcome> {
    const text = yield* this.#feed.run(BARE)
    if (text.trim() === '') return this.#broken()
    this.#give(jsonOf(text.trim(), ANY_TYPE))
    return this.#feed.ended ? 'cut' : 'complete'
  }

  /** Where a text has ended, what is left of it began rightly. */
  #broken(): Outcome {
    return this.#feed.ended ? 'cut' : 'malformed'
  }
}
