import { readBraced } from './braced-arguments.ts'
import type { CallSink } from './call-sink.ts'
import { readKnownHead } from './head.ts'
import { readJson } from './json-reader.ts'
import { readObjectCall } from './object-call.ts'
import type { CallFormat, NamedCall } from './output-format.ts'
import type { Outcome } from './output-event.ts'
import { readTagged } from './tagged-arguments.ts'
import type { Reading, TextFeed } from './text-feed.ts'
import type { ToolSet } from './tool-set.ts'

/**
 * Reads one call if one comes next. Undefined: none does; the text that shows it was read and is
 * still to be accounted for. What follows complete arguments may be left out.
 */
export function* readCall(
  feed: TextFeed,
  format: CallFormat,
  tools: ToolSet,
  sink: CallSink,
): Reading<Outcome | undefined> {
  const { call, section } = format
  if (call.kind === 'object') return yield* readObjectCall(feed, tools, sink)
  const name = yield* readKnownHead(feed, call.head, tools.names)
  if (name === undefined) return undefined
  yield* feed.space()
  const ends = [...call.ends, section.end].map((end) => end.trim()).filter((end) => end !== '')
  const outcome = yield* readArguments(feed, call, ends, name, tools, sink)
  if (outcome === 'complete') yield* readEnds(feed, call.ends)
  return outcome
}

function* readArguments(
  feed: TextFeed,
  call: NamedCall,
  ends: readonly string[],
  name: string,
  tools: ToolSet,
  sink: CallSink,
): Reading<Outcome | undefined> {
  const begin = () => sink.begin(name)
  const give = (json: string) => sink.give(json)
  const style = call.arguments
  if (style.kind === 'tagged') {
    return yield* readTagged(feed, { style, ends, schema: tools.argumentsOf(name) }, begin, give)
  }
  const first = yield* feed.next(style.kind === 'json' ? ['{', ...ends] : ['{'])
  if (first === undefined) return undefined
  begin()
  if (first === '{') {
    return yield* style.kind === 'json' ? readJson(feed, give) : readBraced(feed, style.quote, give)
  }
  give('{}')
  return 'complete'
}

function* readEnds(feed: TextFeed, ends: readonly string[]): Reading<void> {
  for (const end of ends) {
    yield* feed.space()
    if (yield* feed.literal(end.trim())) feed.account()
  }
}
