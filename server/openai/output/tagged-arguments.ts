import { readHead } from './head.ts'
import { Markers } from './markers.ts'
import { readElement } from './nested-arguments.ts'
import type { TaggedArguments } from './output-format.ts'
import type { Outcome } from './output-event.ts'
import type { Reading, TextFeed } from './text-feed.ts'
import { escapeJson, isTextOnly, jsonOf, quoteJson } from './value-schema.ts'
import type { ValueSchema } from './value-schema.ts'

export interface TaggedCall {
  readonly style: TaggedArguments
  /** What may come after the last argument. */
  readonly ends: readonly string[]
  /** Of the object that the arguments are. */
  readonly schema: ValueSchema
}

type Give = (json: string) => void

/**
 * Reads arguments between tags as one JSON object. Strings are given as they come; other values,
 * which may turn out to be strings, at their ends. Undefined: no argument comes and no end.
 */
export function* readTagged(
  feed: TextFeed,
  call: TaggedCall,
  begin: () => void,
  give: Give,
): Reading<Outcome | undefined> {
  const { before } = call.style.key
  for (let first = true; ; first = false) {
    yield* feed.space()
    const next = yield* feed.next([...call.ends, before])
    if (next === undefined && first) return undefined
    if (next === undefined) return broken(feed)
    if (first) begin()
    if (next !== before) {
      give(first ? '{}' : '}')
      return 'complete'
    }
    feed.take(before.length)
    const outcome = yield* readArgument(feed, call, first ? '{' : ',', give)
    if (outcome !== 'complete') return outcome
  }
}

/** Why what should come does not: where a text has ended, what is left of it began rightly. */
const broken = (feed: TextFeed): Outcome => (feed.ended ? 'cut' : 'malformed')

function* readArgument(
  feed: TextFeed,
  { style, ends, schema }: TaggedCall,
  separator: string,
  give: Give,
): Reading<Outcome> {
  const head = yield* readHead(feed, style.key)
  if (head === undefined) return broken(feed)
  const key = style.entities ? withoutEntities(head.key) : head.key
  const property = schema.property(key)
  const types = head.types ?? property.types()
  give(`${separator}${quoteJson(key)}:`)
  if (style.nested && !isTextOnly(types)) {
    const { outcome, json } = yield* readElement(feed, style, key, property)
    if (json !== undefined) give(json)
    return outcome
  }
  const close = style.close.replace('KEY', () => key)
  const value = { close, lines: close.startsWith('\n'), followers: [...ends, style.key.before] }
  if (!isTextOnly(types)) {
    let text = ''
    const outcome = yield* readText(feed, value, (more) => (text += more))
    give(jsonOf(text, types))
    return outcome
  }
  give('"')
  const outcome = yield* readText(feed, value, (text) => give(escapeJson(text)))
  if (outcome === 'complete') give('"')
  return outcome
}

interface TextBounds {
  readonly close: string
  /** The text stands on lines of its own: the newlines around it are not its own. */
  readonly lines: boolean
  readonly followers: readonly string[]
}

/**
 * Reads a text up to its closing tag, and past it. Texts may quote such tags: it is the one that the
 * next argument, or the end of the call, follows.
 */
function* readText(
  feed: TextFeed,
  { close: written, lines, followers }: TextBounds,
  give: (text: string) => void,
): Reading<Outcome> {
  const close = written.trim()
  const marks = new Markers([close])
  if (lines) yield* feed.literal('\n')
  let newline = ''
  const put = (text: string) => {
    const body = lines && text.endsWith('\n') ? text.slice(0, -1) : text
    give(newline + body)
    newline = text.slice(body.length)
  }
  for (;;) {
    if ((yield* feed.until(marks, put)) === undefined) {
      give(newline)
      return 'cut'
    }
    feed.take(close.length)
    const gap = yield* feed.space()
    if ((yield* feed.next(followers)) !== undefined || feed.ended) return 'complete'
    put(close + gap)
  }
}

const withoutEntities = (text: string) => text.replaceAll('&quot;', '"').replaceAll('&amp;', '&')
