import { randomUUID } from 'node:crypto'
import type { Piece } from '../engine/engine.ts'
import type { ErrorBody } from '../errors.ts'
import { usageOf } from '../openai/answer-head.ts'
import type { AnswerHead, Usage } from '../openai/answer-head.ts'
import { SSE_DONE, sseEvent } from '../openai/sse.ts'

export const headOf = (prefix: string, model: string, digest: string): AnswerHead => ({
  id: prefix + randomUUID().replaceAll('-', ''),
  created: Math.floor(Date.now() / 1000),
  model,
  system_fingerprint: `fp_${digest.slice(0, 12)}`,
})

/** What the answers of one request used; prompts count once, however many answers each has. */
export class UsageCount {
  readonly #promptTokens: number
  #completion = 0
  #cached = 0
  #reasoning: number | undefined

  constructor(promptTokens: number) {
    this.#promptTokens = promptTokens
  }

  add({ tokens, cachedTokens = 0 }: Piece): void {
    this.#completion += tokens
    // Of several answers to a prompt the first found less in the cache than the others.
    this.#cached = Math.min(this.#promptTokens, Math.max(this.#cached, cachedTokens))
  }

  addReasoning(tokens: number): void {
    this.#reasoning = (this.#reasoning ?? 0) + tokens
  }

  get usage(): Usage {
    return usageOf(this.#promptTokens, this.#completion, this.#cached, this.#reasoning)
  }
}

interface StreamOptions {
  includeUsage: boolean
  /** Of an answer that came to its end. */
  usage: () => object
  /** What a client of a stream that already began sees of an error. */
  onError: (error: unknown) => ErrorBody
}

/** Chunks as server-sent events. A failure on the way is an event too, never a bare cut. */
export async function* eventStream(
  chunks: AsyncGenerator<object, void>,
  { includeUsage, usage, onError }: StreamOptions,
): AsyncGenerator<string> {
  // OpenAI: with include_usage every chunk carries the field, null but in the last.
  const event = (chunk: object) => sseEvent(includeUsage ? { usage: null, ...chunk } : chunk)
  try {
    for await (const chunk of chunks) yield event(chunk)
  } catch (error) {
    yield sseEvent(onError(error))
    return
  }
  if (includeUsage) yield event(usage())
  yield SSE_DONE
}
