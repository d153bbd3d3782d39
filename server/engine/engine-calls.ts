import { AnswerQueue } from './answer-queue.ts'
import { EngineError } from './engine.ts'
import type { GenerateRequest, Piece } from './engine.ts'
import type { EngineChild } from './engine-child.ts'
import type { Answer, ToEngine } from './protocol.ts'

interface Call {
  answer: (answer: Answer) => void
  fail: (error: EngineError) => void
}

/** What was asked of the engine process and is not answered yet. Each call is answered once or fails. */
export class EngineCalls {
  readonly #calls = new Map<number, Call>()
  readonly #now: () => number
  #nextId = 1
  #sinceMs: number | undefined

  constructor(now: () => number) {
    this.#now = now
  }

  /** Since when somebody waits all the time; undefined: nobody does. */
  get sinceMs(): number | undefined {
    return this.#sinceMs
  }

  hear(answer: Answer): void {
    this.#calls.get(answer.id)?.answer(answer)
  }

  failAll(error: EngineError): void {
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    this.#sinceMs = undefined
    for (const call of calls) call.fail(error)
  }

  /** What answers a question that needs no slot. */
  async ask<Kind extends Answer['kind']>(
    child: EngineChild,
    kind: Kind,
    message: (id: number) => ToEngine,
  ): Promise<Extract<Answer, { kind: Kind }>> {
    const { promise, resolve, reject } = Promise.withResolvers<Extract<Answer, { kind: Kind }>>()
    const id = this.#begin({
      answer: (answer) => {
        this.#end(id)
        if (isOf(answer, kind)) resolve(answer)
        else reject(errorOf(answer))
      },
      fail: reject,
    })
    child.send(message(id))
    return await promise
  }

  /** false: no answer in time. One that comes later ends the call all the same. */
  async probe(child: EngineChild, timeoutMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => resolve(false), timeoutMs)
    const id = this.#begin({
      answer: () => {
        this.#end(id)
        resolve(true)
      },
      fail: () => resolve(false),
    })
    child.send({ kind: 'probe', id })
    const answered = await promise
    clearTimeout(timer)
    return answered
  }

  /** Leaving it, or aborting `signal`, cancels the request. */
  async *pieces(
    child: EngineChild,
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<Piece, void> {
    const queue = new AnswerQueue<Piece>()
    const id = this.#begin({
      answer: (answer) => {
        if (answer.kind === 'piece') return queue.push(answer.piece)
        this.#end(id)
        if (answer.kind === 'end') queue.end()
        else queue.fail(errorOf(answer))
      },
      fail: (error) => queue.fail(error),
    })
    const cancel = () => {
      if (this.#calls.has(id)) child.send({ kind: 'cancel', id })
    }
    // At once, not when the reader comes back: it may be busy, or never come.
    const abort = () => {
      queue.fail(signal.reason as Error)
      cancel()
    }
    signal.addEventListener('abort', abort, { once: true })
    child.send({ kind: 'generate', id, request })
    try {
      if (signal.aborted) abort()
      yield* queue
    } finally {
      signal.removeEventListener('abort', abort)
      if (!signal.aborted) cancel()
    }
  }

  #begin(call: Call): number {
    const id = this.#nextId++
    this.#sinceMs ??= this.#now()
    this.#calls.set(id, call)
    return id
  }

  #end(id: number): void {
    this.#calls.delete(id)
    if (this.#calls.size === 0) this.#sinceMs = undefined
  }
}

const isOf = <Kind extends Answer['kind']>(
  answer: Answer,
  kind: Kind,
): answer is Extract<Answer, { kind: Kind }> => answer.kind === kind

function errorOf(answer: Answer): EngineError {
  if (answer.kind === 'error') return new EngineError(answer.code, answer.message, answer)
  return new EngineError('failed', `unexpected answer ${answer.kind}`)
}
