import { answerMarkers } from './answer-markers.ts'
import type { AnswerMarkers, MarkerTable, Role } from './answer-markers.ts'
import { readCall } from './call-reader.ts'
import type { Outcome, OutputEvent } from './output-event.ts'
import type { CallFormat, OutputFormat } from './output-format.ts'
import { TextChannel } from './text-channel.ts'
import type { Reading, TextFeed } from './text-feed.ts'
import type { Tool } from './tool.ts'
import { ToolSet } from './tool-set.ts'

export interface OutputOptions {
  /** What the answer may call; none: what looks like a call is content. */
  readonly tools: readonly Tool[]
  /** false: reasoning is content as it stands, with its markers. */
  readonly reasoning: boolean
  /** The prompt ended within reasoning. */
  readonly insideReasoning: boolean
}

/** Reads one answer from its beginning to its end. */
export class AnswerReader {
  readonly #feed: TextFeed
  readonly #options: OutputOptions
  readonly #tools: ToolSet
  readonly #format: OutputFormat
  readonly #markers: AnswerMarkers
  readonly #content: TextChannel
  /** Where thoughts go. */
  readonly #thoughts: TextChannel
  readonly #give: (event: OutputEvent) => void
  #calls = 0
  #sectionOpen = false

  constructor(
    feed: TextFeed,
    format: OutputFormat,
    options: OutputOptions,
    give: (event: OutputEvent) => void,
  ) {
    this.#feed = feed
    this.#options = options
    this.#tools = new ToolSet(options.tools)
    this.#format = options.tools.length > 0 ? format : { ...format, calls: undefined }
    this.#markers = answerMarkers(this.#format)
    this.#give = give
    this.#content = new TextChannel((text) => give({ type: 'content', text }))
    this.#thoughts = options.reasoning
      ? new TextChannel((text) => give({ type: 'reasoning', text }))
      : this.#content
  }

  *read(): Reading<void> {
    if (this.#options.insideReasoning) yield* this.#readThoughts()
    yield* this.#readBeginning()
    for (;;) {
      const table = this.#sectionOpen ? this.#markers.openSection : this.#markers.body
      const marker = yield* this.#readText(table, this.#content)
      if (marker === undefined) break
      yield* this.#readMarked(marker, table.role(marker), this.#content)
    }
    this.#thoughts.flush()
    this.#content.flush()
  }

  /** Thoughts are expected here. Their end without a beginning is the prompt's, and none of the content. */
  *#readBeginning(): Reading<void> {
    const { beginning } = this.#markers
    let role: Role | undefined
    do {
      yield* this.#feed.newlines()
      const marker = yield* this.#feed.next(beginning.texts)
      role = marker === undefined ? undefined : beginning.role(marker)
      if (role === undefined || role === 'calls') this.#content.push(this.#feed.account())
      if (marker !== undefined && role !== undefined) {
        yield* this.#readMarked(marker, role, this.#content)
      }
    } while (role !== undefined && role !== 'calls')
  }

  /** Reads thoughts, which have begun, and their end. */
  *#readThoughts(): Reading<void> {
    const { thoughts } = this.#markers
    if (this.#options.reasoning) this.#thoughts.mark()
    for (;;) {
      const calls = this.#calls
      const marker = yield* this.#readText(thoughts, this.#thoughts)
      if (marker === undefined) return
      const role = thoughts.role(marker)
      yield* this.#readMarked(marker, role, this.#thoughts)
      if (role === 'thoughts-end' || this.#calls > calls) return
    }
  }

  *#readText({ markers }: MarkerTable, channel: TextChannel): Reading<string | undefined> {
    return yield* this.#feed.until(markers, (text) => {
      this.#feed.account()
      channel.push(text)
    })
  }

  /** Reads a marker, and all that belongs to it. What turns out to be text goes to `channel`. */
  *#readMarked(marker: string, role: Role, channel: TextChannel): Reading<void> {
    const { calls } = this.#format
    if (role === 'calls' && calls !== undefined) {
      return yield* this.#readCalls(calls, marker, channel)
    }
    this.#feed.take(marker.length)
    const text = this.#feed.account()
    const shown = !this.#options.reasoning && (role === 'thoughts' || role === 'thoughts-end')
    if (shown) this.#content.push(text)
    else this.#mark()
    if (role === 'section-end') this.#sectionOpen = false
    if (role === 'thoughts') yield* this.#readThoughts()
  }

  #mark(): void {
    this.#thoughts.mark()
    this.#content.mark()
  }

  /** Reads a section of calls, or calls without one. Where none comes, it is text. */
  *#readCalls(format: CallFormat, marker: string, channel: TextChannel): Reading<void> {
    const end = format.section.end.trim()
    const between = format.between.trim()
    const before = this.#calls
    if (marker === format.section.begin.trim()) this.#feed.take(marker.length)
    for (;;) {
      yield* this.#feed.space()
      if ((yield* this.#readCall(format)) !== 'complete') break
      yield* this.#feed.space()
      if (end !== '' && (yield* this.#feed.literal(end))) {
        this.#feed.account()
        this.#sectionOpen = false
        return
      }
      yield* this.#feed.literal(between)
    }
    const begun = this.#calls > before
    this.#sectionOpen = begun && end !== ''
    const rest = begun ? this.#content : channel
    rest.push(this.#feed.account())
  }

  *#readCall(format: CallFormat): Reading<Outcome | undefined> {
    const index = this.#calls
    const outcome = yield* readCall(this.#feed, format, this.#tools, {
      begin: (name) => {
        this.#calls++
        this.#feed.account()
        this.#mark()
        this.#give({ type: 'call-begin', index, name })
      },
      give: (json) => {
        this.#feed.account()
        if (json !== '') this.#give({ type: 'call-arguments', index, json })
      },
    })
    if (outcome !== undefined) this.#give({ type: 'call-end', index, outcome })
    return outcome
  }
}
