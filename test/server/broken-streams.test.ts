import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import OpenAI from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { lastWholeEvent } from '../../server/gateway/whole-events.ts'
import { FakeEngine } from '../helpers/fake-engine.ts'
import { errorCodeOf } from '../helpers/raw-http.ts'
import {
  API_KEY,
  chatBody,
  events,
  gatewayRole,
  headers,
  MODEL,
  modelRole,
  until,
} from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

type Handler = (response: ServerResponse, request: IncomingMessage) => void

interface Broken {
  url: string
  gateway: TestRole
  /** How often the model was asked. */
  asked: () => number
}

/** The gateway before a model that answers as it is told, once it has read the request. */
async function before(handler: Handler, limits?: object): Promise<Broken> {
  let asked = 0
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      asked++
      handler(response, request)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  opened.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  const gateway = gatewayRole(`http://127.0.0.1:${port}`, limits)
  opened.push(() => gateway.close())
  return { url: await gateway.listen(), gateway, asked: () => asked }
}

const post = (url: string, more: object = {}) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: headers(),
    body: JSON.stringify(chatBody(more)),
  })

const STREAM = { 'content-type': 'text/event-stream; charset=utf-8' }
const JSON_TYPE = { 'content-type': 'application/json' }
const die = ({ socket }: ServerResponse) => socket?.destroy()

describe('a model that dies in the middle of a stream', () => {
  test.each([
    ['before its first event', []],
    ['between two events', ['data: {"n":1}\n\n']],
    ['within an event', ['data: {"n":1}\n\nda', 'ta: {"n":']],
    ['within the line break behind an event', ['data: {"n":1}\n\n', 'data: {"n":2}\n']],
  ])(
    '%s: the client gets whole events, an error event and a clean end',
    async (_name, pieces: string[]) => {
      const { url, gateway, asked } = await before((response) => {
        response.writeHead(200, STREAM).flushHeaders()
        void (async () => {
          for (const piece of pieces) {
            response.write(piece)
            await sleep(20)
          }
          die(response)
        })()
      })
      const response = await post(url, { stream: true })
      expect(response.status).toBe(200)
      const all = events(await response.text())
      expect(errorCodeOf(all.pop() ?? '')).toBe('model_unavailable')
      expect(all).toEqual(pieces.length === 0 ? [] : ['{"n":1}'])
      expect(asked()).toBe(1)
      await until(() => gateway.logged().includes('"code":"model_unavailable"'), 'it is logged')
    },
  )

  test('is an error that the unmodified openai client throws, after the text that came', async () => {
    const { url } = await before((response) => {
      const chunk = { choices: [{ index: 0, delta: { content: 'half' }, finish_reason: null }] }
      response.writeHead(200, STREAM)
      response.write(`data: ${JSON.stringify(chunk)}\n\ndata: {"choi`, () => die(response))
    })
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: API_KEY, maxRetries: 0 })
    const messages = [{ role: 'user' as const, content: 'a' }]
    const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true })
    let text = ''
    const read = async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    }
    await expect(read()).rejects.toMatchObject({ code: 'model_unavailable' })
    expect(text).toBe('half')
  })

  test('with lines that end as another engine ends them: the same', async () => {
    const { url } = await before((response) => {
      response.writeHead(200, STREAM)
      response.write('data: {"n":1}\r\n\r\ndata: {"n', () => die(response))
    })
    const text = await (await post(url, { stream: true })).text()
    expect(text.startsWith('data: {"n":1}\r\n\r\ndata: {"error":')).toBe(true)
  })
})

describe('a model that dies in the middle of an answer that is no stream', () => {
  test.each([
    ['with a length', { ...JSON_TYPE, 'content-length': '100' }],
    ['in chunks', JSON_TYPE],
  ])('%s: a typed 503 with Retry-After, and it was asked once', async (_name, head) => {
    const { url, asked } = await before((response) => {
      response.writeHead(200, head)
      response.write('{"choices":[{"mes', () => die(response))
    })
    const response = await post(url)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '3'])
    expect(errorCodeOf(await response.text())).toBe('model_unavailable')
    expect(asked()).toBe(1)
  })

  test('that is longer than the gateway holds: a cut, never an end that looks well', async () => {
    const { url } = await before((response) => {
      response.writeHead(200, JSON_TYPE)
      response.write(`{"a":"${'x'.repeat(3_000_000)}`, () => die(response))
    })
    const response = await post(url)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
  })
})

test('a long answer that is no stream arrives whole, byte by byte', async () => {
  const answer = JSON.stringify({ a: 'é'.repeat(2_000_000) })
  const { url } = await before((response) => response.writeHead(200, JSON_TYPE).end(answer))
  expect(await (await post(url)).text()).toBe(answer)
})

test('an event that is longer than the gateway holds arrives whole', async () => {
  const event = `data: ${'x'.repeat(3_000_000)}\n\n`
  const { url } = await before((response) => response.writeHead(200, STREAM).end(event))
  expect(await (await post(url, { stream: true })).text()).toBe(event)
})

test('a model that dies while it works, on a connection that it had answered on: 503, asked once more by nobody', async () => {
  const { url, asked } = await before((response) => {
    if (asked() === 1) response.writeHead(200, JSON_TYPE).end('{}')
    else setTimeout(() => die(response), 1300)
  })
  expect((await post(url)).status).toBe(200)
  const response = await post(url)
  expect([response.status, errorCodeOf(await response.text())]).toEqual([503, 'model_unavailable'])
  expect(asked()).toBe(2)
})

test('words of something between the gateway and the model are not passed on', async () => {
  const { url } = await before((response) =>
    response.writeHead(503, { 'content-type': 'text/plain' }).end('upstream connect error'),
  )
  const response = await post(url)
  expect([response.status, errorCodeOf(await response.text())]).toEqual([503, 'model_unavailable'])
})

test('a model that stops in the middle of a stream: an error event at the time limit', async () => {
  const limits = { maxStreamMs: 1000 }
  const { url } = await before((response) => {
    response.writeHead(200, STREAM).write('data: {"n":1}\n\n')
  }, limits)
  const all = events(await (await post(url, { stream: true })).text())
  expect(all[0]).toBe('{"n":1}')
  expect(errorCodeOf(all[1] ?? '')).toBe('deadline_exceeded')
})

test('an answer that outlives the last time of a server that ends: an error event from either role', async () => {
  for (const kind of ['model', 'gateway'] as const) {
    const engine = new FakeEngine()
    engine.answer = Array.from({ length: 60 }, () => 'x ')
    engine.beforeToken = () => sleep(100)
    const model = modelRole({ engine })
    opened.push(() => model.close())
    const gateway = gatewayRole(await model.listen())
    opened.push(() => gateway.close())
    const ending = kind === 'model' ? model : gateway
    const response = await post(await gateway.listen(), { stream: true })
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = (await reader.read()).value ?? ''
    ending.lifecycle.endAnswers()
    for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value
    expect([kind, errorCodeOf(events(text).at(-1) ?? '')]).toEqual([kind, 'shutting_down'])
    const late = await ending.app.inject({
      ...{ method: 'POST', url: '/v1/chat/completions', headers: headers() },
      payload: JSON.stringify(chatBody()),
    })
    expect([kind, late.statusCode, late.headers['retry-after']]).toEqual([kind, 503, '1'])
  }
})

test('however a stream is cut into pieces, all of it goes on, and at each moment whole events alone', () => {
  const event = fc.array(fc.constantFrom('data: a\n', 'data: é\n', ': \n'), { minLength: 1 })
  const stream = fc
    .array(
      event.map((lines) => `${lines.join('')}\n`),
      { maxLength: 20 },
    )
    .map((all) => all.join(''))
  fc.assert(
    fc.property(stream, fc.infiniteStream(fc.integer({ min: 1, max: 12 })), (text, sizes) => {
      const bytes = Buffer.from(text)
      let [sent, held, at] = ['', Buffer.alloc(0), 0]
      while (at < bytes.length) {
        const size = sizes.next().value as number
        const all = Buffer.concat([held, bytes.subarray(at, at + size)])
        at += size
        const end = lastWholeEvent(all)
        sent += all.subarray(0, end).toString()
        held = all.subarray(end)
        expect(sent === '' || sent.endsWith('\n\n')).toBe(true)
      }
      expect(sent).toBe(text)
    }),
  )
})
