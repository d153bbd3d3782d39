import { Markers } from './markers.ts'
import type { Outcome } from './output-event.ts'
import type { Reading, TextFeed } from './text-feed.ts'
import { escapeJson } from './value-schema.ts'

const CONTROL_CHARACTERS = Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code))
const STRING_STOPS = new Markers(['"', '\\', ...CONTROL_CHARACTERS])
const ESCAPE = /^\\(?:["\\/bfnrt]|u[\da-fA-F]{4})$/
const SCALAR = /[-+.\w]*/y
const SCALAR_VALUE = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/

/** What may come next; a `first-…` may be the end of its object or list instead. */
type Expected = 'value' | 'first-item' | 'key' | 'first-key' | 'comma'

/**
 * Reads one JSON value and gives its text on as it comes. Control characters that stand in a string
 * as they are, which JSON forbids and models write, are given escaped. `cut`: all there is was given.
 */
export function* readJson(feed: TextFeed, give: (json: string) => void): Reading<Outcome> {
  const open: ('}' | ']')[] = []
  let expected: Expected = 'value'
  for (;;) {
    const space = yield* feed.space()
    if (space !== '') give(space)
    const [char] = yield* feed.see(1)
    if (char === undefined) return 'cut'
    if (char === open.at(-1) && expected !== 'value' && expected !== 'key') {
      open.pop()
      give(feed.take(1))
      expected = 'comma'
    } else if (expected === 'comma') {
      if (char !== ',') return 'malformed'
      give(feed.take(1))
      expected = open.at(-1) === '}' ? 'key' : 'value'
    } else if (expected === 'key' || expected === 'first-key') {
      const outcome = yield* readKey(feed, char, give)
      if (outcome !== 'complete') return outcome
      expected = 'value'
    } else if (char === '{' || char === '[') {
      open.push(char === '{' ? '}' : ']')
      give(feed.take(1))
      expected = char === '{' ? 'first-key' : 'first-item'
    } else {
      const outcome = yield* char === '"' ? readString(feed, give) : readScalar(feed, give)
      if (outcome !== 'complete') return outcome
      expected = 'comma'
    }
    if (open.length === 0) return 'complete'
  }
}

function* readKey(feed: TextFeed, char: string, give: (json: string) => void): Reading<Outcome> {
  if (char !== '"') return 'malformed'
  const outcome = yield* readString(feed, give)
  if (outcome !== 'complete') return outcome
  const space = yield* feed.space()
  if (space !== '') give(space)
  if (yield* feed.literal(':')) {
    give(':')
    return 'complete'
  }
  return feed.ended && (yield* feed.see(1)) === '' ? 'cut' : 'malformed'
}

function* readString(feed: TextFeed, give: (json: string) => void): Reading<Outcome> {
  give(feed.take(1))
  for (;;) {
    const stop = yield* feed.until(STRING_STOPS, give)
    if (stop === undefined) return 'cut'
    if (stop === '\\') {
      const outcome = yield* readEscape(feed, give)
      if (outcome !== 'complete') return outcome
      continue
    }
    feed.take(1)
    give(stop === '"' ? stop : escapeJson(stop))
    if (stop === '"') return 'complete'
  }
}

function* readEscape(feed: TextFeed, give: (json: string) => void): Reading<Outcome> {
  const length = (yield* feed.see(2))[1] === 'u' ? 6 : 2
  const escape = yield* feed.see(length)
  const cut = escape.length < length
  if (!cut && !ESCAPE.test(escape)) return 'malformed'
  give(feed.take(escape.length))
  return cut ? 'cut' : 'complete'
}

function* readScalar(feed: TextFeed, give: (json: string) => void): Reading<Outcome> {
  const text = yield* feed.run(SCALAR)
  const cut = feed.ended && (yield* feed.see(1)) === ''
  const complete = SCALAR_VALUE.test(text)
  if (text === '' || (!complete && !cut)) return 'malformed'
  give(text)
  return complete ? 'complete' : 'cut'
}
