import type { FastifyReply } from 'fastify'
import type { Agent, Dispatcher } from 'undici'
import { HttpError } from '../errors.ts'
import { sseEvent } from '../openai/sse.ts'
import { lastWholeEvent } from './whole-events.ts'

const PASSED_ON = ['content-type', 'content-length', 'retry-after', 'x-model-digest'] as const
/** Of an answer that does not come as a stream; a longer one goes on as it comes. */
const MOST_HELD_BYTES = 1_048_576

type Headers = Readonly<Record<string, string | string[] | undefined>>

export interface RelayOptions {
  /** Aborts when nobody waits for the answer any more. */
  gone: AbortSignal
  /** What an answer that broke off is to its client. */
  onBreak: (error: Error) => HttpError
}

/**
 * Asks, and passes the answer's bytes on as they come, at the pace of the client. Resolves with the
 * status when the answer begins; rejects when none does, with an HttpError where the model had begun one.
 * A stream that breaks later ends with an error event: only whole events go on, so that one may follow.
 * Other answers go on once they are whole. Not undici's `request`: its stream and Fastify's around it cost
 * the gateway a third of what a request takes.
 */
export function relay(
  agent: Agent,
  options: Dispatcher.DispatchOptions,
  reply: FastifyReply,
  { gone, onBreak }: RelayOptions,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let answer: Answer | undefined
    agent.dispatch(options, {
      onRequestStart(controller) {
        const leave = () => controller.abort(gone.reason as Error)
        if (gone.aborted) leave()
        else gone.addEventListener('abort', leave, { once: true })
      },
      onResponseStart(controller, status, headers) {
        if (status < 200) return
        if (status >= 400 && !isJson(headers)) {
          // Of something between us and the model, which knows no more than that it is not there.
          controller.abort(new HttpError('model_unavailable'))
          return
        }
        answer = new Answer(reply, status, headers, () => resolve(status))
        reply.raw.on('drain', () => controller.resume())
      },
      onResponseData(controller, chunk) {
        if (answer?.take(chunk) === false) controller.pause()
      },
      onResponseEnd() {
        answer?.end()
      },
      onResponseError(_controller, error) {
        if (answer === undefined) reject(error)
        else if (answer.begun) answer.breakOff(onBreak(error))
        else reject(onBreak(error))
      },
    })
  })
}

const isJson = (headers: Headers) => String(headers['content-type']).startsWith('application/json')

/** One answer on its way to the client. */
class Answer {
  begun = false
  readonly #reply: FastifyReply
  readonly #status: number
  readonly #headers: Headers
  readonly #begins: () => void
  readonly #isStream: boolean
  #held: Buffer = Buffer.alloc(0)
  /** What went on last was no whole event, or the part of an answer. */
  #torn = false

  constructor(reply: FastifyReply, status: number, headers: Headers, begins: () => void) {
    this.#reply = reply
    this.#status = status
    this.#headers = headers
    this.#begins = begins
    this.#isStream = String(headers['content-type']).startsWith('text/event-stream')
    if (this.#isStream) this.#begin()
  }

  /** false: the client is behind. */
  take(chunk: Buffer): boolean {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const whole = this.#isStream ? lastWholeEvent(bytes) : 0
    const tooLong = bytes.length - whole > MOST_HELD_BYTES
    const end = tooLong ? bytes.length : whole
    this.#held = bytes.subarray(end)
    if (end === 0) return true
    this.#torn = tooLong
    this.#begin()
    return this.#reply.raw.write(end === bytes.length ? bytes : bytes.subarray(0, end))
  }

  end(): void {
    this.#begin()
    this.#reply.raw.end(this.#held)
  }

  /** Has begun; what is held of it is of no use. */
  breakOff({ body }: HttpError): void {
    const { raw } = this.#reply
    if (this.#torn || !this.#isStream) raw.destroy()
    else if (!raw.destroyed) raw.end(sseEvent(body))
  }

  #begin(): void {
    if (this.begun) return
    this.begun = true
    const { raw } = this.#reply
    this.#reply.hijack()
    const passed = PASSED_ON.map((name) => [name, this.#headers[name]] as const)
    for (const [name, value] of [...Object.entries(this.#reply.getHeaders()), ...passed]) {
      if (value !== undefined) raw.setHeader(name, value)
    }
    raw.writeHead(this.#status)
    this.#begins()
  }
}
