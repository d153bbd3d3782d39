import { Socket } from 'node:net'
import { HttpResponse } from './http-response.ts'

/** Where an arm listens; `key` is sent as bearer token. */
export interface Target {
  port: number
  key: string | undefined
  model: string
}

export interface Ask {
  /** Token ids: so that every arm evaluates the same ones. */
  prompt: readonly number[]
  maxTokens: number
  /** JSON schema of the answer. */
  schema?: object
  /** With each token its likelihood, and so many of the likeliest ones. */
  logprobs?: number
  /** Cuts the connection after so many events (0: see `abandonAfterMs`). */
  abandonAfter?: number
  abandonAfterMs?: number
}

export interface Answer {
  /** HTTP status; 0: the connection failed or was cut. */
  status: number
  /** `performance.now()` when it was asked, and of each event that carried text. */
  askedAt: number
  eventsAt: number[]
  endedAt: number
  promptTokens: number
  completionTokens: number
  cachedTokens: number
  /** Connections that the server reset before the first byte; each was tried again. */
  resets: number
  error: string
}

const MAX_RESETS = 20

/** One keep-alive connection to an arm; asks one request at a time. */
export class Connection {
  readonly #target: Target
  #socket: Socket | undefined
  #cut = false

  constructor(target: Target) {
    this.#target = target
  }

  async complete(ask: Ask): Promise<Answer> {
    const request = requestOf(this.#target, ask)
    const answer: Answer = {
      ...{ status: 0, askedAt: performance.now(), eventsAt: [], endedAt: 0, error: '' },
      ...{ promptTokens: 0, completionTokens: 0, cachedTokens: 0, resets: 0 },
    }
    while (!this.#cut && !(await this.#exchange(request, ask, answer))) {
      if (++answer.resets >= MAX_RESETS) break
    }
    answer.endedAt = performance.now()
    if (answer.status === 200) check(ask, answer)
    return answer
  }

  /** Ends the connection, and the request under way with status 0. */
  close(): void {
    this.#cut = true
    this.#socket?.destroy()
  }

  /** false: it failed before the first byte came. */
  #exchange(request: string, ask: Ask, answer: Answer): Promise<boolean> {
    // One that the server ended while it was idle tells nobody any more.
    const open = this.#socket?.destroyed === false ? this.#socket : undefined
    const socket = open ?? this.#connect()
    const response = new HttpResponse()
    let touched = false
    return new Promise((resolve) => {
      const end = (whole: boolean) => {
        socket.removeAllListeners('data').removeAllListeners('close')
        clearTimeout(timer)
        if (!whole || response.closes) this.#drop(socket)
        resolve(whole || touched || this.#cut)
      }
      const abandon = () => {
        this.#cut = true
        end(false)
      }
      const timer =
        ask.abandonAfterMs === undefined ? undefined : setTimeout(abandon, ask.abandonAfterMs)
      socket.on('close', () => end(false))
      socket.on('data', (data: string) => {
        touched = true
        const at = performance.now()
        for (const event of response.push(data)) take(event, at, answer)
        const enough = ask.abandonAfter !== undefined && ask.abandonAfter > 0
        if (enough && answer.eventsAt.length >= (ask.abandonAfter ?? 0)) return abandon()
        if (!response.done) return
        answer.status = response.status
        if (response.status !== 200) answer.error = response.body.slice(0, 200)
        end(true)
      })
      socket.write(request)
    })
  }

  #connect(): Socket {
    const socket = new Socket()
    socket.setNoDelay(true).setEncoding('latin1')
    // What failed is told by `close`.
    socket.on('error', () => undefined)
    socket.connect(this.#target.port, '127.0.0.1')
    this.#socket = socket
    return socket
  }

  #drop(socket: Socket): void {
    socket.destroy()
    if (this.#socket === socket) this.#socket = undefined
  }
}

function requestOf({ port, key, model }: Target, ask: Ask): string {
  const { prompt, maxTokens, schema, logprobs } = ask
  const body = JSON.stringify({
    ...{ model, prompt, max_tokens: maxTokens, temperature: 0, ignore_eos: true },
    // llama-server's name of it on this route, which ours takes too.
    ...(schema === undefined ? {} : { json_schema: schema }),
    ...(logprobs === undefined ? {} : { logprobs }),
    ...{ stream: true, stream_options: { include_usage: true } },
  })
  const authorization = key === undefined ? '' : `Authorization: Bearer ${key}\r\n`
  return (
    `POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${authorization}` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  )
}

/** A figure about other tokens than the other arm's would be none. */
function check({ prompt, maxTokens }: Ask, answer: Answer): void {
  if (answer.promptTokens !== prompt.length) {
    throw new Error(`sent ${prompt.length} prompt tokens, evaluated ${answer.promptTokens}`)
  }
  if (answer.completionTokens !== maxTokens) answer.error = 'an answer of another length'
}

interface Usage {
  prompt_tokens: number
  completion_tokens: number
  prompt_tokens_details?: { cached_tokens?: number }
}

/** Looks for the text without parsing: the client must not take the cores that it measures. */
function take(event: string, at: number, answer: Answer): void {
  const text = event.indexOf('"text":"')
  if (text >= 0 && event[text + 8] !== '"') answer.eventsAt.push(at)
  if (!event.includes('"prompt_tokens"')) return
  const { usage } = JSON.parse(event) as { usage: Usage }
  answer.promptTokens = usage.prompt_tokens
  answer.completionTokens = usage.completion_tokens
  answer.cachedTokens = usage.prompt_tokens_details?.cached_tokens ?? 0
}
