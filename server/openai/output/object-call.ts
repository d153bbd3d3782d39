import type { CallSink } from './call-sink.ts'
import { readJson } from './json-reader.ts'
import type { Outcome } from './output-event.ts'
import type { Reading, TextFeed } from './text-feed.ts'
import type { ToolSet } from './tool-set.ts'
import { typeOfJson } from './value-schema.ts'

/** Keys that a call may have, as the rest of a JSON string. Models take one name of the arguments for the other. */
const KEYS = ['name"', 'arguments"', 'parameters"', 'type"', 'id"'] as const
/** Characters of a value that tells nothing, at most. */
const MAX_IGNORED = 64

/**
 * Reads a call that is one JSON object: {"name":…,"arguments":{…}}. Arguments that come before the
 * name are held back until it is known. Once they are complete, so is the call: models leave the
 * last brace out.
 */
export function* readObjectCall(
  feed: TextFeed,
  tools: ToolSet,
  sink: CallSink,
): Reading<Outcome | undefined> {
  if (!(yield* feed.literal('{'))) return undefined
  let name: string | undefined
  let held: string | undefined
  do {
    const key = yield* readKey(feed)
    if (key === undefined) return undefined
    if (key === 'name"') {
      if (name !== undefined) return undefined
      name = yield* readToolName(feed, tools)
      if (name === undefined) return undefined
    } else if (key === 'type"' || key === 'id"') {
      if (!(yield* readIgnored(feed))) return undefined
    } else if (held !== undefined) {
      return undefined
    } else if (name !== undefined && (yield* feed.next(['{'])) !== undefined) {
      return yield* readLastArguments(feed, name, sink)
    } else {
      held = yield* readHeldArguments(feed)
      if (held === undefined) return undefined
    }
    yield* feed.space()
  } while (yield* feed.literal(','))
  if (name === undefined || !(yield* feed.literal('}'))) return undefined
  sink.begin(name)
  sink.give(held ?? '{}')
  return 'complete'
}

/** Reads a key and its colon. */
function* readKey(feed: TextFeed): Reading<(typeof KEYS)[number] | undefined> {
  yield* feed.space()
  if (!(yield* feed.literal('"'))) return undefined
  const key = yield* feed.next(KEYS)
  if (key === undefined) return undefined
  feed.take(key.length)
  yield* feed.space()
  if (!(yield* feed.literal(':'))) return undefined
  yield* feed.space()
  return key
}

function* readToolName(feed: TextFeed, tools: ToolSet): Reading<string | undefined> {
  if (!(yield* feed.literal('"'))) return undefined
  const name = yield* feed.next(tools.names.map((known) => `${known}"`))
  return name === undefined ? undefined : feed.take(name.length).slice(0, -1)
}

function* readLastArguments(feed: TextFeed, name: string, sink: CallSink): Reading<Outcome> {
  sink.begin(name)
  const outcome = yield* readJson(feed, (json) => sink.give(json))
  if (outcome === 'complete' && (yield* readRest(feed))) feed.account()
  return outcome
}

/** Reads keys after the arguments, and the object's end. */
function* readRest(feed: TextFeed): Reading<boolean> {
  yield* feed.space()
  while (yield* feed.literal(',')) {
    const key = yield* readKey(feed)
    if (key !== 'type"' && key !== 'id"') return false
    if (!(yield* readIgnored(feed))) return false
    yield* feed.space()
  }
  return yield* feed.literal('}')
}

/** Reads a short string. */
function* readIgnored(feed: TextFeed): Reading<boolean> {
  if (!(yield* feed.literal('"'))) return false
  return (yield* feed.upTo('"', MAX_IGNORED)) !== undefined
}

/** Reads arguments of any form: an object, its JSON as a string, or null for none. Gives the object. */
function* readHeldArguments(feed: TextFeed): Reading<string | undefined> {
  let json = ''
  const outcome = yield* readJson(feed, (text) => {
    json += text
  })
  if (outcome !== 'complete') return undefined
  const type = typeOfJson(json)
  if (type === 'null') return '{}'
  const inner: unknown = type === 'string' ? JSON.parse(json) : json
  return typeof inner === 'string' && typeOfJson(inner) === 'object' ? inner : undefined
}
