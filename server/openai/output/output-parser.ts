import { AnswerReader } from './answer-reader.ts'
import type { OutputOptions } from './answer-reader.ts'
import type { OutputFormat } from './output-format.ts'
import { EventList } from './output-event.ts'
import type { OutputEvent } from './output-event.ts'
import { TextFeed } from './text-feed.ts'
import type { Reading } from './text-feed.ts'

/**
 * Tells content, reasoning and tool calls of an answer apart while it is decoded. The events of all
 * pieces, joined, are those of the whole text: how it is cut changes nothing. Every character is in
 * an event or belongs to a marker. The time is that of reading the text once.
 */
export class OutputParser {
  readonly #feed = new TextFeed()
  readonly #events = new EventList()
  readonly #reading: Reading<void>

  constructor(format: OutputFormat, options: OutputOptions) {
    const reader = new AnswerReader(this.#feed, format, options, (event) => this.#events.add(event))
    this.#reading = reader.read()
    this.#reading.next()
  }

  /** The next piece of the answer; gives all that is certain by now. */
  push(piece: string): OutputEvent[] {
    this.#feed.push(piece)
    this.#reading.next()
    return this.#events.drain()
  }

  /** The answer has ended: what was held back is what it was so far. To be called last, and once. */
  finish(): OutputEvent[] {
    this.#feed.end()
    this.#reading.next()
    return this.#events.drain()
  }
}
