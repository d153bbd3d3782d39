/** Asks the service as any program does: whole, and event by event. */
import { inject } from 'vitest'
import type { Ask } from './asks.ts'

const service = inject('service')
const { model } = service

export interface Reply {
  status: number
  body: unknown
}

/** `path`: behind `/v1`. */
export async function send(
  path: string,
  init: RequestInit = {},
  { baseURL, apiKey } = service,
): Promise<Response> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  return await fetch(baseURL + path, { ...init, headers: { ...headers, ...init.headers } })
}

export async function reply(path: string, init: RequestInit = {}, asked = service): Promise<Reply> {
  const response = await send(path, init, asked)
  return { status: response.status, body: await response.json() }
}

const post = (body: object): RequestInit => ({
  ...{ method: 'POST', body: JSON.stringify({ model, ...body }) },
})

export async function wholeAnswer({ route, body }: Ask): Promise<object> {
  const { status, body: answer } = await reply(route, post(body))
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(answer)}`)
  return answer as object
}

/** What each event of the streamed answer holds. */
export async function streamedAnswer({ route, body, usage }: Ask): Promise<object[]> {
  const options = usage === undefined ? {} : { stream_options: { include_usage: usage } }
  const response = await send(route, post({ ...body, ...options, stream: true }))
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${response.status} ${text}`)
  return route === '/responses' ? namedEvents(text) : chunksOf(text)
}

export const DONE = '[DONE]'

/** Of a stream that ends with `[DONE]`, which is left out. */
export function chunksOf(stream: string): object[] {
  const data = blocksOf(stream).map((block) => dataOf(/^data: (.*)$/.exec(block)?.[1], block))
  if (data.pop() !== DONE) throw new Error(`a stream ends without ${DONE}`)
  return data.map((each) => JSON.parse(each) as object)
}

/** Of a stream whose events have names, which they hold too, and numbers. */
export function namedEvents(stream: string): object[] {
  return blocksOf(stream).map((block, at) => {
    const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? []
    const event = JSON.parse(dataOf(data, block)) as { type: string; sequence_number: number }
    if (event.type !== name || event.sequence_number !== at)
      throw new Error(
        `event ${at}, ${name}, says that it is ${event.sequence_number}, ${event.type}`,
      )
    return event
  })
}

function blocksOf(stream: string): string[] {
  const blocks = stream.split('\n\n')
  if (blocks.pop() !== '') throw new Error('a stream ends within an event')
  return blocks
}

function dataOf(data: string | undefined, block: string): string {
  if (data === undefined) throw new Error(`no event: ${block}`)
  return data
}
