import { randomUUID } from 'node:crypto'
import type { Piece } from '../engine/engine.ts'
import type { ErrorBody } from '../errors.ts'
import { usageOf } from '../openai/answer.ts'
import type { AnswerFormat, AnswerHead, FinishReason } from '../openai/answer.ts'
import { SSE_DONE, sseEvent } from '../openai/sse.ts'

export interface AnswerContext {
  format: AnswerFormat
  model: string
  digest: string
  promptTokens: number
  includeUsage: boolean
  /** What a client of a stream that already began sees of an error. */
  onError: (error: unknown) => ErrorBody
}

const headOf = ({ format, model, digest }: AnswerContext): AnswerHead => ({
  id: format.idPrefix + randomUUID().replaceAll('-', ''),
  created: Math.floor(Date.now() / 1000),
  model,
  system_fingerprint: `fp_${digest.slice(0, 12)}`,
})

export async function wholeAnswer(
  context: AnswerContext,
  pieces: AsyncIterable<Piece>,
): Promise<object> {
  let text = ''
  let tokens = 0
  let cached = 0
  let finish: FinishReason = 'stop'
  for await (const piece of pieces) {
    text += piece.text
    tokens += piece.tokens
    cached += piece.cachedTokens ?? 0
    finish = piece.finish ?? finish
  }
  const usage = usageOf(context.promptTokens, tokens, cached)
  return context.format.whole(headOf(context), text, finish, usage)
}

/** An answer as server-sent events. A failure on the way is an event too, never a bare cut. */
export async function* streamAnswer(
  context: AnswerContext,
  pieces: AsyncIterable<Piece>,
): AsyncGenerator<string> {
  const { format } = context
  const head = headOf(context)
  // OpenAI: with include_usage every chunk carries the field, null but in the last.
  const event = (chunk: object) =>
    sseEvent(context.includeUsage ? { usage: null, ...chunk } : chunk)
  const first = format.first(head)
  if (first !== undefined) yield event(first)
  let tokens = 0
  let cached = 0
  try {
    let finish: FinishReason = 'stop'
    for await (const piece of pieces) {
      tokens += piece.tokens
      cached += piece.cachedTokens ?? 0
      finish = piece.finish ?? finish
      if (piece.text !== '') yield event(format.text(head, piece.text))
    }
    yield event(format.last(head, finish))
  } catch (error) {
    yield sseEvent(context.onError(error))
    return
  }
  if (context.includeUsage) {
    yield event(format.usage(head, usageOf(context.promptTokens, tokens, cached)))
  }
  yield SSE_DONE
}
