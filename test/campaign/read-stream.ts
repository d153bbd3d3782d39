import { z } from 'zod'

/** What a client of /v1/completions saw of one streamed answer. */
export interface Seen {
  /** 0: no response came. */
  status: number
  retryAfter: string | null
  text: string
  tokens: number
  /** From the request to the first text; undefined: none came. */
  firstTokenMs: number | undefined
  finish: string | undefined
  /** Code of the error that ended it, as an event or as the whole response. */
  errorCode: string | undefined
  /** `[DONE]` came. */
  done: boolean
  /** Why the connection broke. */
  broken: string | undefined
}

const ErrorSchema = z.object({ error: z.object({ code: z.string(), type: z.string() }) })
const ChunkSchema = z.object({
  choices: z.array(z.object({ text: z.string(), finish_reason: z.string().nullable() })),
  usage: z.object({ completion_tokens: z.int() }).nullish(),
})

export interface StreamAsk {
  model: string
  prompt: string | readonly number[]
  maxTokens: number
}

/** Never throws: what went wrong is what it is about. */
export async function readStream(
  endpoint: string,
  key: string,
  { model, prompt, maxTokens }: StreamAsk,
): Promise<Seen> {
  const seen: Seen = {
    ...{ status: 0, retryAfter: null, text: '', tokens: 0, firstTokenMs: undefined },
    ...{ finish: undefined, errorCode: undefined, done: false, broken: undefined },
  }
  const askedMs = performance.now()
  try {
    const response = await fetch(`${endpoint}/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ model, prompt, max_tokens: maxTokens, temperature: 0, ignore_eos: true },
        ...{ stream: true, stream_options: { include_usage: true } },
      }),
    })
    seen.status = response.status
    seen.retryAfter = response.headers.get('retry-after')
    if (response.status === 200) await readEvents(response, seen, askedMs)
    else seen.errorCode = ErrorSchema.parse(await response.json()).error.code
  } catch (error) {
    const { message, cause } = error as Error
    seen.broken = cause instanceof Error ? `${message}: ${cause.message}` : message
  }
  return seen
}

async function readEvents(response: Response, seen: Seen, askedMs: number): Promise<void> {
  let rest = ''
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    const events = (rest + piece).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) take(event.replace(/^data: /, ''), seen)
    if (seen.text !== '') seen.firstTokenMs ??= performance.now() - askedMs
  }
}

function take(event: string, seen: Seen): void {
  if (event === '' || event.startsWith(':')) return
  if (event === '[DONE]') {
    seen.done = true
    return
  }
  const message: unknown = JSON.parse(event)
  const failed = ErrorSchema.safeParse(message)
  if (failed.success) {
    seen.errorCode = failed.data.error.code
    return
  }
  const { choices, usage } = ChunkSchema.parse(message)
  for (const { text, finish_reason: finish } of choices) {
    seen.text += text
    if (finish !== null) seen.finish = finish
  }
  if (usage !== null && usage !== undefined) seen.tokens = usage.completion_tokens
}
