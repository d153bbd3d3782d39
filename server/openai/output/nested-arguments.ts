import { readHead } from './head.ts'
import { Markers } from './markers.ts'
import type { TaggedArguments } from './output-format.ts'
import type { Outcome } from './output-event.ts'
import type { Reading, TextFeed } from './text-feed.ts'
import { jsonOf, quoteJson } from './value-schema.ts'
import type { ValueSchema } from './value-schema.ts'

/** Tags within tags at most: more than schemas need, and an end for an answer that only opens them. */
const MAX_DEPTH = 64
const ITEM = 'item'

interface Child {
  readonly key: string
  readonly json: string
}

/**
 * Reads a value that may be made of tags within tags, from after its opening tag on. The JSON is there
 * once the value is complete.
 */
export function* readElement(
  feed: TextFeed,
  style: TaggedArguments,
  key: string,
  schema: ValueSchema,
  depth = 0,
): Reading<{ outcome: Outcome; json?: string }> {
  const { before } = style.key
  const marks = new Markers([before])
  const children: Child[] = []
  let text = ''
  for (;;) {
    const tag = yield* feed.until(marks, (more) => (text += more))
    if (tag === undefined) return { outcome: 'cut' }
    if (yield* feed.literal(style.close.replace('KEY', () => key))) {
      const json = jsonOfElement(text, children, schema)
      return json === undefined ? { outcome: 'malformed' } : { outcome: 'complete', json }
    }
    feed.take(before.length)
    const head = yield* readHead(feed, style.key)
    if (head === undefined) return { outcome: feed.ended ? 'cut' : 'malformed' }
    if (depth === MAX_DEPTH) return { outcome: 'malformed' }
    const inner = head.key === ITEM ? schema.items() : schema.property(head.key)
    const { outcome, json } = yield* readElement(feed, style, head.key, inner, depth + 1)
    if (json === undefined) return { outcome }
    children.push({ key: head.key, json })
  }
}

/** Undefined: text stands between the tags. */
function jsonOfElement(
  text: string,
  children: readonly Child[],
  schema: ValueSchema,
): string | undefined {
  const types = schema.types()
  const blank = text.trim() === ''
  if (children.length === 0) {
    if (!blank || types.has('string')) return jsonOf(text, types)
    return types.has('array') ? '[]' : types.has('object') ? '{}' : 'null'
  }
  if (!blank) return undefined
  if (types.has('array') && children.every((child) => child.key === ITEM)) {
    return `[${children.map((child) => child.json).join(',')}]`
  }
  return `{${children.map((child) => `${quoteJson(child.key)}:${child.json}`).join(',')}}`
}
