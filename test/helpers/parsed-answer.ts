import type { OutputOptions } from '../../server/openai/output/answer-reader.ts'
import type { Outcome, OutputEvent } from '../../server/openai/output/output-event.ts'
import type { OutputFormat } from '../../server/openai/output/output-format.ts'
import { OutputParser } from '../../server/openai/output/output-parser.ts'

/** What the events of an answer come to. */
export interface ParsedAnswer {
  content: string
  reasoning: string
  calls: { name: string; json: string; outcome: Outcome | undefined }[]
}

export function eventsOf(format: OutputFormat, pieces: readonly string[], options: OutputOptions) {
  const parser = new OutputParser(format, options)
  return [...pieces.flatMap((piece) => parser.push(piece)), ...parser.finish()]
}

/** Throws where events of a call come before its beginning, or twice. */
export function joinEvents(events: readonly OutputEvent[]): ParsedAnswer {
  const answer: ParsedAnswer = { content: '', reasoning: '', calls: [] }
  for (const event of events) {
    if ('text' in event) answer[event.type] += event.text
    else if (event.type === 'call-begin') {
      if (event.index !== answer.calls.length) throw new Error(`call ${event.index} out of turn`)
      answer.calls.push({ name: event.name, json: '', outcome: undefined })
    } else {
      const call = answer.calls[event.index]
      if (call === undefined || call.outcome !== undefined)
        throw new Error(`no call ${event.index}`)
      if (event.type === 'call-arguments') call.json += event.json
      else call.outcome = event.outcome
    }
  }
  return answer
}

export const parse = (
  format: OutputFormat,
  pieces: string | readonly string[],
  options: Partial<OutputOptions> = {},
): ParsedAnswer =>
  joinEvents(
    eventsOf(format, typeof pieces === 'string' ? [pieces] : pieces, {
      ...{ tools: [], reasoning: true, insideReasoning: false },
      ...options,
    }),
  )

/** The text in two pieces, at every point of it, and character by character. */
export function everySplit(text: string): string[][] {
  const halves = Array.from({ length: text.length + 1 }, (_, at) => [
    text.slice(0, at),
    text.slice(at),
  ])
  return [...halves, text.split('')]
}
