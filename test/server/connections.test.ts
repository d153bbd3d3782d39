import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { FakeEngine } from '../helpers/fake-engine.ts'
import { connectTo, errorCodeOf, rawPost, responsesIn } from '../helpers/raw-http.ts'
import type { RawClient } from '../helpers/raw-http.ts'
import { API_KEY, chatBody, events, gatewayRole, modelRole, until } from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

const ROLES = ['model', 'gateway'] as const
type Kind = (typeof ROLES)[number]

interface Served {
  role: TestRole
  url: string
  engine: FakeEngine
}

/** A role over a real socket; the gateway has a model behind it. */
async function serve(kind: Kind, limits: object = {}, engine = new FakeEngine()): Promise<Served> {
  const own = kind === 'model' ? { limits } : {}
  const model = modelRole({ engine, model: { contextSize: 5000 }, ...own })
  opened.push(() => model.close())
  const url = await model.listen()
  if (kind === 'model') return { role: model, url, engine }
  const role = gatewayRole(url, limits)
  opened.push(() => role.close())
  return { role, url: await role.listen(), engine }
}

function open(url: string): RawClient {
  const client = connectTo(url)
  opened.push(async () => client.socket.destroy())
  return client
}

const answersTo = async (url: string, text: string | Buffer) => {
  const client = open(url)
  client.socket.write(text)
  return responsesIn(await client.closed)
}

const underWay = (role: TestRole) =>
  new Promise<number>((resolve) => role.app.server.getConnections((_, count) => resolve(count)))

/** An engine that gives its second token when it is told. */
function heldEngine(slots = 4): { engine: FakeEngine; release: () => void } {
  const engine = new FakeEngine(slots)
  const gate = Promise.withResolvers<void>()
  engine.beforeToken = (index) => (index < 1 ? Promise.resolve() : gate.promise)
  return { engine, release: () => gate.resolve() }
}

describe.each(ROLES)('the %s role', (kind) => {
  test.each([
    ['says nothing at all', ''],
    ['stops in its request line', 'POST /v1/chat/comp'],
    ['stops in its headers', 'POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nx-a: '],
    ['stops before the last line break of its headers', 'GET /v1/models HTTP/1.1\r\nhost: a\r\n'],
  ])('answers a client that %s 408, and closes', async (_name, part) => {
    const { url, role } = await serve(kind, { requestReceiveMs: 300 })
    const [answer, ...more] = await answersTo(url, part)
    expect([answer?.status, errorCodeOf(answer?.body ?? '')]).toEqual([408, 'request_timeout'])
    expect(more).toEqual([])
    await until(async () => (await underWay(role)) === 0, 'the connection is gone')
  })

  test('answers a client that writes a byte of its headers at a time 408', async () => {
    const { url } = await serve(kind, { requestReceiveMs: 400 })
    const client = open(url)
    const request = rawPost()
    let sent = 0
    const drip = setInterval(() => client.socket.write(request[sent++] ?? ''), 25)
    const [answer] = responsesIn(await client.closed)
    clearInterval(drip)
    expect(errorCodeOf(answer?.body ?? '')).toBe('request_timeout')
    expect(sent).toBeLessThan(request.length)
  })

  test('answers a client that pauses in the middle of its body 408, says so in the log, and frees its place', async () => {
    const limits = { requestReceiveMs: 300, maxStreamsPerKey: 1 }
    const { url, role, engine } = await serve(kind, limits)
    const [answer] = await answersTo(url, rawPost().slice(0, -20))
    expect([answer?.status, errorCodeOf(answer?.body ?? '')]).toEqual([408, 'request_timeout'])
    await until(() => role.logged().includes('"status":408'), 'it is logged')
    expect(role.logged()).toContain('"code":"request_timeout"')
    expect(await role.metrics.registry.metrics()).toContain('code="request_timeout"')
    // The only place of this key is free again.
    const [next] = await answersTo(url, rawPost(chatBody(), { connection: 'close' }))
    expect(next?.status).toBe(200)
    expect(engine.requests).toHaveLength(1)
  })

  test('answers headers that are too large 431 whole, however they are cut into packets', async () => {
    const { url } = await serve(kind)
    const lines = `x-large: ${'x'.repeat(2000)}\r\n`.repeat(40)
    for (const packet of [lines.length, 1000]) {
      const client = open(url)
      client.socket.setNoDelay().write('GET /v1/models HTTP/1.1\r\nhost: a\r\n')
      for (let at = 0; at < lines.length && client.socket.writable; at += packet) {
        client.socket.write(lines.slice(at, at + packet))
        await sleep(1)
      }
      const [answer, ...more] = responsesIn(await client.closed)
      expect([answer?.status, errorCodeOf(answer?.body ?? '')]).toEqual([431, 'headers_too_large'])
      expect(answer?.body).toContain('at most 16384 bytes')
      expect(more).toEqual([])
    }
  })

  test.each([
    ['random bytes', Buffer.from(Array.from({ length: 200 }, (_, at) => (at * 89 + 7) % 256))],
    ['a TLS hello', Buffer.from('16030100c8010000c40303', 'hex')],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an unknown method', 'FETCH /v1/models HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['a header with a NUL', 'GET /v1/models HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n'],
    ['a header without a colon', 'GET /v1/models HTTP/1.1\r\nhost: a\r\nx\r\n\r\n'],
    ['two lengths', rawPost(chatBody(), { 'Content-Length': '3' })],
    ['a length and chunks', rawPost(chatBody(), { 'transfer-encoding': 'chunked' })],
    ['a negative length', rawPost(chatBody(), { 'content-length': '-1' })],
    ['a length beyond every number', rawPost(chatBody(), { 'content-length': '9'.repeat(30) })],
    ['an unknown transfer encoding', rawPost(chatBody(), { 'transfer-encoding': 'gzip' })],
    ['a tunnel', 'CONNECT example.org:443 HTTP/1.1\r\nhost: example.org:443\r\n\r\n'],
    ['no Host', 'GET /v1/models HTTP/1.1\r\nconnection: close\r\n\r\n'],
  ])('answers %s 400 in the shape of OpenAI, closes, and counts it', async (_name, text) => {
    const { url, engine, role } = await serve(kind)
    const [answer, ...more] = await answersTo(url, text)
    expect([answer?.status, errorCodeOf(answer?.body ?? '')]).toEqual([400, 'bad_request'])
    expect(answer?.headers).toMatchObject({ connection: 'close' })
    expect(more).toEqual([])
    expect(engine.requests).toEqual([])
    const counted =
      /serantau_requests_total\{route="[^"]+",status="(400|left)",code="bad_request"\} 1/
    expect(await role.metrics.registry.metrics()).toMatch(counted)
  })

  test('refuses a body that is compressed, whatever with', async () => {
    const { url } = await serve(kind)
    for (const encoding of ['gzip', 'br', 'identity', 'x, gzip']) {
      const more = { 'content-encoding': encoding, connection: 'close' }
      const [answer] = await answersTo(url, rawPost(chatBody(), more))
      const code = errorCodeOf(answer?.body ?? '')
      expect([encoding, answer?.status, code]).toEqual([encoding, 415, 'unsupported_media_type'])
    }
  })

  test('a path that cannot be decoded is an unknown one: 401 without a key, 404 with one', async () => {
    const { role } = await serve(kind)
    for (const url of ['/v1/models/%', '/%zz', '/v1/%E0%A4%A', '/health/live%f']) {
      const denied = await role.app.inject({ url })
      expect([denied.statusCode, errorCodeOf(denied.body)]).toEqual([401, 'missing_api_key'])
      const headers = { authorization: `Bearer ${API_KEY}` }
      const unknown = await role.app.inject({ url, headers })
      expect([unknown.statusCode, errorCodeOf(unknown.body)]).toEqual([404, 'unknown_url'])
    }
  })

  test('takes a request of which it knows no expectation, and one that waits to be told to go on', async () => {
    const { url } = await serve(kind)
    const more = { connection: 'close' }
    const [unknown] = await answersTo(url, rawPost(chatBody(), { ...more, expect: 'tea' }))
    expect(unknown?.status).toBe(200)
    const known = await answersTo(url, rawPost(chatBody(), { ...more, expect: '100-continue' }))
    expect(known.map(({ status }) => status)).toEqual([100, 200])
  })

  test('answers requests that come at once in their order', async () => {
    const { url } = await serve(kind)
    const last = 'GET /v1/models HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'
    const stream = rawPost(chatBody({ stream: true }))
    const got = await answersTo(url, stream + rawPost() + stream + last)
    expect(got.map(({ status }) => status)).toEqual([200, 200, 200, 401])
    expect([0, 2].map((at) => events(got[at]?.body ?? '').at(-1))).toEqual(['[DONE]', '[DONE]'])
    expect(got[1]?.body).toContain('Hello from the fake.')
  })

  test('a client that leaves many requests at once behind gives all their places back', async () => {
    const { engine, release } = heldEngine()
    const { url, role } = await serve(kind, { maxStreamsPerKey: 3 }, engine)
    const client = open(url)
    client.socket.write(rawPost(chatBody({ stream: true })).repeat(3))
    await until(() => engine.requests.length === 3, 'all are answered')
    const [refused] = await answersTo(url, rawPost(chatBody(), { connection: 'close' }))
    expect(refused?.status).toBe(429)
    client.socket.destroy()
    const left = () => role.logged().split('"code":"client_closed_request"').length - 1
    await until(() => left() === 3, 'all are over')
    release()
    await until(() => engine.stats().running === 0, 'the slots are free')
    await role.lifecycle.untilQuiet(0, 5000)
    const again = rawPost(chatBody(), { connection: 'close' })
    const statuses = await Promise.all([1, 2, 3].map(async () => (await answersTo(url, again))[0]))
    expect(statuses.map((answer) => answer?.status)).toEqual([200, 200, 200])
  })

  test('garbage behind a request whose answer has begun ends the connection, and is not answered into it', async () => {
    const { engine, release } = heldEngine()
    const { url, role } = await serve(kind, {}, engine)
    const client = open(url)
    client.socket.write(rawPost(chatBody({ stream: true })))
    await until(() => client.text().includes('Hello'), 'the answer has begun')
    client.socket.write('\0\0\0garbage\r\n\r\n')
    const text = await client.closed
    expect(text).not.toContain('bad_request')
    await until(() => role.logged().includes('client_closed_request'), 'it is over')
    release()
    await until(() => engine.stats().running === 0, 'the slot is free')
  })

  test('a client that closes its half of the connection is gone, and its slot is free', async () => {
    const engine = new FakeEngine(1)
    engine.answer = Array.from({ length: 60 }, () => 'x ')
    engine.beforeToken = () => sleep(100)
    const { url } = await serve(kind, {}, engine)
    const client = open(url)
    client.socket.write(rawPost(chatBody({ stream: true })))
    await until(() => client.text().includes('x '), 'the answer has begun')
    client.socket.end()
    await client.closed
    await until(() => engine.stats().running === 0, 'the slot is free', 3000)
    expect(engine.completed).toBe(0)
  })

  test('a client that closes its half in the middle of a request is told, and no connection stays', async () => {
    const { url, role } = await serve(kind)
    for (const part of ['GET /v1/mod', rawPost().slice(0, 60), rawPost().slice(0, -5)]) {
      const client = open(url)
      client.socket.end(part)
      const [answer] = responsesIn(await client.closed)
      expect([answer?.status, errorCodeOf(answer?.body ?? '')]).toEqual([400, 'bad_request'])
    }
    await until(async () => (await underWay(role)) === 0, 'no connection stays')
  })

  test('a client that was told of its error has a second to read it while it still writes, and is left', async () => {
    const { url, role } = await serve(kind)
    const { hostname, port } = new URL(url)
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
    opened.push(async () => socket.destroy())
    let [text, broken] = ['', '']
    socket.on('data', (data) => (text += data.toString()))
    socket.on('error', ({ message }) => (broken = message))
    socket.write('garbage\r\n\r\n')
    await until(() => text.includes('bad_request'), 'it is told')
    const noise = setInterval(() => socket.write('x'), 20)
    await sleep(400)
    expect(broken).toBe('')
    await until(async () => (await underWay(role)) === 0, 'it is left', 5000)
    clearInterval(noise)
  })

  test('a key may have so many requests at once, whichever role it asks', async () => {
    const { engine, release } = heldEngine()
    const { url } = await serve(kind, { maxStreamsPerKey: 2 }, engine)
    const clients = [open(url), open(url)]
    for (const { socket } of clients) socket.write(rawPost(chatBody({ stream: true })))
    await until(() => engine.requests.length === 2, 'two are answered')
    const [refused] = await answersTo(url, rawPost(chatBody(), { connection: 'close' }))
    expect([refused?.status, errorCodeOf(refused?.body ?? '')]).toEqual([429, 'too_many_streams'])
    expect(refused?.headers).toMatchObject({ 'retry-after': '1' })
    release()
    await until(() => clients.every(({ text }) => text().includes('[DONE]')), 'they end whole')
  })
})

test('a client that takes its answer in sips is cut a while after the longest answer', async () => {
  const engine = new FakeEngine()
  // Pieces as small as that leave one by one.
  engine.answer = Array.from({ length: 4000 }, () => 'x'.repeat(16_384))
  const limits = { slowClientMs: 1500, maxStreamMs: 1000, requestReceiveMs: 300 }
  // The model behind it has more time, and goes on.
  const { url, role } = await serve('gateway', limits, engine)
  const client = open(url)
  client.socket.pause()
  client.socket.write(rawPost(chatBody({ stream: true })))
  // Kernels tell of it once a third of what they keep is taken.
  const sips = setInterval(() => client.socket.read(), 20)
  await sleep(2200)
  expect(role.logged()).not.toContain('client_too_slow')
  await until(() => role.logged().includes('client_too_slow'), 'it is cut')
  clearInterval(sips)
  await until(() => engine.stats().running === 0, 'the slot is free')
})
