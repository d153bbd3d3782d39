import type { FastifyRequest } from 'fastify'
import type { Piece } from '../engine/engine.ts'
import type { Metrics } from '../plugins/metrics.ts'

export interface Measure {
  metrics: Metrics
  /** `performance.now()` at the arrival of the request. */
  arrived: number
  /** 0: counted with another answer to the same prompt. */
  promptTokens: number
  request: FastifyRequest
}

/** Passes an answer on and counts it. */
export async function* measured(
  pieces: AsyncIterable<Piece>,
  { metrics, arrived, promptTokens, request }: Measure,
): AsyncGenerator<Piece, void> {
  let before: number | undefined
  // An answer may be one of several of a request, which count together.
  request.tokens ??= { prompt: 0, completion: 0 }
  request.tokens.prompt += promptTokens
  for await (const piece of pieces) {
    const now = performance.now()
    if (before === undefined) {
      metrics.tokens.inc({ kind: 'prompt' }, promptTokens)
      metrics.firstToken.observe((now - arrived) / 1000)
    } else if (piece.tokens > 0) {
      const each = (now - before) / 1000 / piece.tokens
      for (let token = 0; token < piece.tokens; token++) metrics.betweenTokens.observe(each)
    }
    before = now
    metrics.tokens.inc({ kind: 'completion' }, piece.tokens)
    request.tokens.completion += piece.tokens
    yield piece
  }
}
