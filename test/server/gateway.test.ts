import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import OpenAI from 'openai'
import { afterEach, expect, test } from 'vitest'
import { FakeEngine } from '../helpers/fake-engine.ts'
import {
  API_KEY,
  chatBody,
  events,
  gatewayRole,
  headers,
  MODEL,
  modelRole,
  until,
  writeKeys,
} from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

function kept<T extends { close: () => Promise<unknown> }>(role: T): T {
  opened.push(() => role.close())
  return role
}

interface Pair {
  url: string
  gateway: TestRole
  model: TestRole
}

/** Both roles over real sockets. */
async function pair(engine = new FakeEngine(), limits?: object): Promise<Pair> {
  const model = kept(modelRole({ engine, ...(limits === undefined ? {} : { limits }) }))
  const gateway = kept(gatewayRole(await model.listen(), limits))
  return { url: await gateway.listen(), gateway, model }
}

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void

async function upstream(handler: Handler): Promise<string> {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => handler(request, response, body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  opened.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const post = (url: string, payload: object, signal?: AbortSignal) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: headers(),
    body: JSON.stringify(payload),
    ...(signal === undefined ? {} : { signal }),
  })

test('the unmodified openai client gets whole and streamed answers through both roles', async () => {
  const { url } = await pair()
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: API_KEY, maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: 'a b' }]
  const whole = await client.chat.completions.create({ model: MODEL, messages })
  expect(whole.choices[0]?.message.content).toBe('Hello from the fake.')
  const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true })
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  expect(text).toBe('Hello from the fake.')
  expect((await client.models.list()).data.map(({ id }) => id)).toEqual([MODEL])
  await expect(client.chat.completions.create({ model: 'nope', messages })).rejects.toMatchObject({
    ...{ status: 404, code: 'model_not_found', param: 'model' },
  })
})

test('the body goes on byte for byte, with the key and the request id', async () => {
  const seen: { body: string; headers: IncomingMessage['headers'] }[] = []
  const url = await upstream((request, response, body) => {
    seen.push({ body, headers: request.headers })
    const type = { 'content-type': 'application/json', 'content-length': 2 }
    response.writeHead(200, { ...type, 'set-cookie': 'a=b' }).end('{}')
  })
  const gateway = kept(gatewayRole(url))
  const payload = `{ "model":"${MODEL}",  "x": 1e400, "stream": false, "é": "\\u00e9" }`
  const response = await gateway.app.inject({
    ...{ method: 'POST', url: '/v1/chat/completions', payload },
    headers: {
      ...headers(),
      'x-request-id': 'mine-1',
      cookie: 'c=d',
      'x-forwarded-for': '1.2.3.4',
    },
  })
  expect(seen[0]?.body).toBe(payload)
  expect(seen[0]?.headers).toMatchObject({
    ...{ authorization: `Bearer ${API_KEY}`, 'x-request-id': 'mine-1' },
  })
  expect(seen[0]?.headers).not.toHaveProperty('cookie')
  expect(response.headers).toMatchObject({ 'x-request-id': 'mine-1', 'content-length': '2' })
  expect(response.headers).not.toHaveProperty('set-cookie')
})

test('where one model is served, tokens need no name of it: none, or null', async () => {
  const { url } = await pair()
  for (const more of [{}, { model: null }]) {
    const body = JSON.stringify({ prompt: 'one two', ...more })
    const answer = await fetch(`${url}/tokenize`, { method: 'POST', headers: headers(), body })
    expect([answer.status, await answer.json()]).toMatchObject([200, { count: 2 }])
  }
  expect((await post(url, chatBody({ model: null }))).status).toBe(400)
})

test('a stream arrives piece by piece, not at its end', async () => {
  const engine = new FakeEngine()
  let open = () => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  engine.beforeToken = (index) => (index < 2 ? Promise.resolve() : gate)
  const { url } = await pair(engine)
  const response = await post(url, chatBody({ stream: true }))
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes(' from')) text += (await reader.read()).value ?? ''
  expect(text).not.toContain('[DONE]')
  open()
  for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value
  expect(events(text).at(-1)).toBe('[DONE]')
})

test('a client that leaves frees the slot behind the gateway', async () => {
  const engine = new FakeEngine(1)
  engine.answer = Array.from({ length: 60 }, () => 'x ')
  engine.beforeToken = () => new Promise((resolve) => setTimeout(resolve, 20))
  const { url } = await pair(engine)
  const gone = new AbortController()
  const response = await post(url, chatBody({ stream: true }), gone.signal)
  await response.body!.getReader().read()
  expect(engine.stats().running).toBe(1)
  gone.abort()
  await until(() => engine.stats().running === 0, 'the slot is free', 1000)
})

test('a client that leaves before the first byte frees the slot too', async () => {
  const engine = new FakeEngine(1)
  const later: (() => void)[] = []
  engine.beforeToken = () => new Promise((resolve) => later.push(resolve))
  const { url } = await pair(engine)
  const gone = new AbortController()
  const response = post(url, chatBody(), gone.signal)
  await until(() => later.length === 1, 'the engine works')
  gone.abort()
  await expect(response).rejects.toThrow()
  // The engine comes to its next step, and must find that nobody waits.
  await until(() => {
    later.splice(0).forEach((resolve) => resolve())
    return engine.stats().running === 0
  }, 'the slot is free')
  expect(engine.completed).toBe(0)
})

test('a model that is down is a 503 with Retry-After; the other routes stay', async () => {
  const gateway = kept(gatewayRole('http://127.0.0.1:1'))
  const response = await gateway.app.inject({
    ...{ method: 'POST', url: '/v1/chat/completions', headers: headers() },
    payload: JSON.stringify(chatBody()),
  })
  expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '3'])
  expect(response.json()).toMatchObject({ error: { code: 'model_unavailable' } })
  const models = await gateway.app.inject({ url: '/v1/models', headers: headers() })
  expect(models.statusCode).toBe(200)
})

test('a request that may have arrived is never sent twice, not even without a byte of answer', async () => {
  let asked = 0
  const url = await upstream((request) => {
    asked++
    request.socket.destroy()
  })
  const gateway = kept(gatewayRole(url))
  const response = await gateway.app.inject({
    ...{ method: 'POST', url: '/v1/chat/completions', headers: headers() },
    payload: JSON.stringify(chatBody()),
  })
  expect([response.statusCode, asked]).toEqual([503, 1])
})

test.each([
  ['closes', (socket: Socket) => socket.destroy()],
  ['resets', (socket: Socket) => socket.resetAndDestroy()],
])('a kept connection that the model %s as it is used again costs no request', async (_, end) => {
  let asked = 0
  const url = await upstream((request, response) => {
    asked++
    if (asked === 2) end(request.socket)
    else response.writeHead(200, { 'content-type': 'application/json' }).end(`{"n":${asked}}`)
  })
  const gateway = kept(gatewayRole(url))
  const send = () =>
    gateway.app.inject({
      ...{ method: 'POST', url: '/v1/chat/completions', headers: headers() },
      payload: JSON.stringify(chatBody()),
    })
  expect((await send()).json()).toEqual({ n: 1 })
  expect((await send()).json()).toEqual({ n: 3 })
})

test('a model that is between two pods for a moment costs no request', async () => {
  const { url, model } = await pair()
  const port = portOf(model)
  await model.app.close()
  const answer = post(url, chatBody())
  const next = kept(modelRole())
  setTimeout(() => void next.app.listen({ host: '127.0.0.1', port }), 200)
  expect((await answer).status).toBe(200)
})

test('errors of the model role pass through with code and Retry-After', async () => {
  const engine = new FakeEngine(1, 0)
  let open = () => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  engine.beforeToken = () => gate
  const { url } = await pair(engine)
  const running = post(url, chatBody())
  await until(() => engine.stats().running === 1, 'one runs')
  const refused = await post(url, chatBody())
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2'])
  expect(await refused.json()).toMatchObject({ error: { code: 'queue_full' } })
  open()
  expect((await running).status).toBe(200)
})

test('a key that the model role does not know opens nothing there', async () => {
  const { url, model } = await pair()
  writeKeys(model.keysFile, [{ name: 'other', key: 'sk-other' }])
  model.keys.refresh()
  expect((await post(url, chatBody())).status).toBe(401)
})

/** Asks for an endless stream and never reads. Resolves when the server cuts the connection. */
async function neverReads(url: string): Promise<void> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const payload = JSON.stringify(chatBody({ stream: true }))
  socket.pause()
  socket.on('error', () => {})
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${API_KEY}\r\n` +
      `content-type: application/json\r\ncontent-length: ${payload.length}\r\n\r\n${payload}`,
  )
  opened.push(async () => socket.destroy())
}

test.each(['model', 'gateway'] as const)(
  'a client that never reads is cut by the %s role, its slot freed, memory bounded',
  async (kind) => {
    const engine = new FakeEngine(2)
    // 60 tokens of 1 MB: far more than the buffers of the kernel take.
    engine.answer = Array.from({ length: 60 }, () => 'x'.repeat(1_000_000))
    let sent = 0
    engine.beforeToken = async (index) => void (sent = Math.max(sent, index))
    const limits = { slowClientMs: 300 }
    const { url, model } = await pair(engine, kind === 'gateway' ? limits : { slowClientMs: 300 })
    const target = kind === 'gateway' ? url : `http://127.0.0.1:${portOf(model)}`
    await neverReads(target)
    await until(() => engine.stats().running === 1, 'the stream runs')
    await until(() => engine.stats().running === 0, 'the client is cut')
    expect(sent).toBeLessThan(40)
  },
)

test('a slow client that keeps reading is not cut', async () => {
  const engine = new FakeEngine(2)
  engine.answer = Array.from({ length: 20 }, () => 'y'.repeat(500_000))
  const { url } = await pair(engine, { slowClientMs: 300 })
  const response = await post(url, chatBody({ stream: true }))
  const reader = response.body!.getReader()
  let bytes = 0
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    bytes += read.value.length
    if (bytes % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(bytes).toBeGreaterThan(10_000_000)
})

const portOf = ({ app }: TestRole) => (app.server.address() as AddressInfo).port
