import type { Head } from './output-format.ts'
import type { Reading, TextFeed } from './text-feed.ts'
import type { ValueTypes } from './value-schema.ts'

/** Characters of an argument's name, or of a tag's attributes, at most. */
const MAX_LENGTH = 256
/** No tag has such a name by itself: `</a>` is not the beginning of an argument. */
const KEY = /^[^/<>\n][^<>\n]*$/

const NO_ATTRIBUTES = /^\s*$/

/** Reads a head up to its end if it comes next and has one of `names`, the longest first. */
export function* readKnownHead(
  feed: TextFeed,
  head: Head,
  names: readonly string[],
): Reading<string | undefined> {
  if (!(yield* feed.literal(head.before))) return undefined
  if (head.prefix !== undefined) yield* feed.literal(head.prefix)
  const name = yield* feed.next(names)
  if (name === undefined) return undefined
  feed.take(name.length)
  if (!(yield* feed.literal(head.after.trim()))) return undefined
  return (yield* readAttributes(feed, head)) === undefined ? undefined : name
}

/** Reads a head with any name, from after `before` on. `types` are those that its attributes say. */
export function* readHead(
  feed: TextFeed,
  head: Head,
): Reading<{ key: string; types: ValueTypes | undefined } | undefined> {
  const key = yield* feed.upTo(head.after.trim(), MAX_LENGTH)
  if (key === undefined || !KEY.test(key)) return undefined
  const attributes = yield* readAttributes(feed, head)
  if (attributes === undefined) return undefined
  const [, value] = attributes
  return { key, types: value === undefined ? undefined : head.attributes?.types?.(value) }
}

function* readAttributes(feed: TextFeed, head: Head): Reading<RegExpExecArray | undefined> {
  const open = head.open.trim()
  const text = open === '' ? '' : yield* feed.upTo(open, MAX_LENGTH)
  const { pattern = NO_ATTRIBUTES } = head.attributes ?? {}
  return text === undefined ? undefined : (pattern.exec(text) ?? undefined)
}
