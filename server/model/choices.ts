import { EngineError } from '../engine/engine.ts'
import type { Engine, GenerateRequest, Piece } from '../engine/engine.ts'

/**
 * Starts an answer for each request. Resolves with the answers once each has its first piece: until then
 * nothing is sent, so that what goes wrong is an HTTP error. Where one fails, the others end.
 */
export async function startChoices(
  engine: Engine,
  requests: readonly GenerateRequest[],
  signal: AbortSignal,
  measured: (pieces: AsyncIterable<Piece>, index: number) => AsyncGenerator<Piece, void>,
): Promise<AsyncGenerator<Piece, void>[]> {
  const others = new AbortController()
  const both = AbortSignal.any([signal, others.signal])
  const answers = requests.map((request, index) => measured(engine.generate(request, both), index))
  const first = await Promise.allSettled(answers.map((answer) => answer.next()))
  const failed = first.find((result) => result.status === 'rejected')
  if (failed !== undefined) {
    others.abort(new EngineError('unavailable', 'another answer of the request failed'))
    await Promise.allSettled(answers.map((answer) => answer.return()))
    throw failed.reason
  }
  return answers.map((answer, index) => {
    const began = first[index] as PromiseFulfilledResult<IteratorResult<Piece, void>>
    return chained(began.value, answer)
  })
}

async function* chained(
  first: IteratorResult<Piece, void>,
  rest: AsyncGenerator<Piece, void>,
): AsyncGenerator<Piece, void> {
  try {
    if (first.done === true) return
    yield first.value
    yield* rest
  } finally {
    await rest.return()
  }
}

/** What comes from any of the sources, as it comes, with the number of its source. */
export async function* merged<T>(
  sources: readonly AsyncGenerator<T, void>[],
): AsyncGenerator<readonly [source: number, value: T], void> {
  const ask = (source: number) => sources[source]!.next().then((result) => ({ source, result }))
  const pending = new Map(sources.map((_, source) => [source, ask(source)]))
  try {
    while (pending.size > 0) {
      const { source, result } = await Promise.race(pending.values())
      if (result.done === true) pending.delete(source)
      else {
        yield [source, result.value]
        pending.set(source, ask(source))
      }
    }
  } finally {
    // Whoever left, or failed: nobody waits for the others any more.
    for (const asked of pending.values()) asked.catch(() => undefined)
    await Promise.allSettled(sources.map((source) => source.return()))
  }
}
