import type { Engine, GenerateRequest, Piece } from '../engine/engine.ts'

/**
 * Starts an answer for each request. Resolves once one of them has its first piece: until then nothing is
 * sent, so that what goes wrong is an HTTP error. Where one fails or the signal aborts, all end, whether or not
 * somebody reads them: an answer that nobody reads would keep its slot.
 */
export async function startChoices(
  engine: Engine,
  requests: readonly GenerateRequest[],
  signal: AbortSignal,
  measured: (pieces: AsyncIterable<Piece>, index: number) => AsyncGenerator<Piece, void>,
): Promise<AsyncGenerator<Piece, void>[]> {
  // No AbortSignal.any: Node keeps one that is listened to for as long as it was not aborted.
  const ending = new AbortController()
  const ended = ending.signal
  const answers = requests.map((request, index) => measured(engine.generate(request, ended), index))
  const first = answers.map((answer) => answer.next())
  // Each is awaited by who reads its answer; where the request fails before that, by nobody.
  for (const begun of first) begun.catch(() => undefined)
  const end = (reason: unknown) => {
    ending.abort(reason)
    for (const answer of answers) answer.return().catch(() => undefined)
  }
  if (signal.aborted) end(signal.reason)
  else signal.addEventListener('abort', () => end(signal.reason), { once: true })
  /** Whatever ended the others with it: the first failure is the request's. */
  const fail = (error: unknown) => {
    end(error)
    throw ended.reason
  }
  await Promise.race(first).catch(fail)
  return answers.map((answer, index) => chained(first[index]!, answer, { ended, fail }))
}

async function* chained(
  first: Promise<IteratorResult<Piece, void>>,
  rest: AsyncGenerator<Piece, void>,
  { ended, fail }: { ended: AbortSignal; fail: (error: unknown) => never },
): AsyncGenerator<Piece, void> {
  try {
    const begun = await first
    if (begun.done !== true) {
      yield begun.value
      yield* rest
    }
    // Closed for another's failure: not a whole answer.
    ended.throwIfAborted()
  } catch (error) {
    fail(error)
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
