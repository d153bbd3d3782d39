import { request as httpRequest } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EngineError } from '../../server/engine/engine.ts'
import { FakeEngine } from '../helpers/fake-engine.ts'
import { chatBody, DIGEST, events, headers, MODEL, modelRole, until } from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

let role: TestRole
beforeEach(() => {
  role = modelRole()
})
afterEach(() => role.close())

const post = (payload: object, url = '/v1/chat/completions') =>
  role.app.inject({ method: 'POST', url, headers: headers(), payload: JSON.stringify(payload) })

test('a whole chat answer has the shape of OpenAI', async () => {
  const response = await post(chatBody())
  expect(response.statusCode).toBe(200)
  expect(response.headers['x-model-digest']).toBe(`sha256:${DIGEST}`)
  expect(response.json()).toEqual({
    id: expect.stringMatching(/^chatcmpl-[0-9a-f]{32}$/),
    object: 'chat.completion',
    created: expect.any(Number),
    model: MODEL,
    system_fingerprint: 'fp_abababababab',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'Hello from the fake.', refusal: null },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: {
      ...{ prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
      prompt_tokens_details: { cached_tokens: 0 },
    },
  })
})

test('a streamed chat answer begins with the role, ends with the reason, usage and [DONE]', async () => {
  const stream = { stream: true, stream_options: { include_usage: true } }
  const response = await post(chatBody({ ...stream, max_tokens: 2 }))
  expect(response.headers['content-type']).toBe('text/event-stream; charset=utf-8')
  const all = events(response.body)
  expect(all.pop()).toBe('[DONE]')
  const chunks = all.map((event) => JSON.parse(event))
  expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
    { role: 'assistant', content: '' },
    { content: 'Hello' },
    { content: ' from' },
    {},
    undefined,
  ])
  const reasons = chunks.map(({ choices }) => choices[0]?.finish_reason)
  expect(reasons).toEqual([null, null, null, 'length', undefined])
  const usage = {
    prompt_tokens: 3,
    completion_tokens: 2,
    total_tokens: 5,
    prompt_tokens_details: { cached_tokens: 0 },
  }
  expect(chunks.map((chunk) => chunk.usage)).toEqual([null, null, null, null, usage])
  expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
  expect(new Set(chunks.map(({ object }) => object))).toEqual(new Set(['chat.completion.chunk']))
})

test('without include_usage no chunk speaks of usage', async () => {
  const response = await post(chatBody({ stream: true }))
  expect(response.body).not.toContain('usage')
})

test('plain completions answer whole and streamed, 16 tokens by default', async () => {
  role.engine.answer = Array.from({ length: 20 }, (_, index) => `${index} `)
  const whole = await post({ model: MODEL, prompt: 'a b' }, '/v1/completions')
  expect(whole.json()).toMatchObject({
    object: 'text_completion',
    choices: [{ index: 0, finish_reason: 'length', logprobs: null }],
    usage: { prompt_tokens: 2, completion_tokens: 16, total_tokens: 18 },
  })
  const streamed = await post({ model: MODEL, prompt: 'a b', stream: true }, '/v1/completions')
  const chunks = events(streamed.body)
    .slice(0, -1)
    .map((event) => JSON.parse(event))
  const text = chunks.map(({ choices }) => choices[0].text).join('')
  expect(text).toBe(whole.json<{ choices: { text: string }[] }>().choices[0]?.text)
  expect(chunks.at(-1).choices[0].finish_reason).toBe('length')
})

test('sampling reaches the engine with the defaults of OpenAI, and developer is system', async () => {
  const messages = [
    {
      role: 'developer',
      content: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
    },
    { role: 'user', content: 'c' },
  ]
  await post(chatBody({ messages }))
  await post(chatBody({ temperature: 0, top_p: 0.5, seed: -3, stop: 'x', max_tokens: 9 }))
  await post(chatBody({ stop: ['x', 'y'], max_tokens: 9, max_completion_tokens: 4 }))
  expect(role.engine.chats[0]?.messages).toEqual([
    { role: 'system', content: 'ab' },
    { role: 'user', content: 'c' },
  ])
  const wanted = role.engine.requests.map(
    ({ prompt: _, tenant: _t, adapter: _a, priority: _p, ignoreEos: _i, markers: _m, ...rest }) =>
      rest,
  )
  const plain = { minP: 0, presencePenalty: 0, frequencyPenalty: 0, logitBias: [] }
  expect(wanted).toEqual([
    { maxTokens: 62, temperature: 1, topP: 1, stop: [], ...plain },
    { maxTokens: 9, temperature: 0, topP: 0.5, stop: ['x'], seed: -3, ...plain },
    { maxTokens: 4, temperature: 1, topP: 1, stop: ['x', 'y'], ...plain },
  ])
})

test('a prompt that is so long that only a part of it was counted is refused by its field', async () => {
  role.engine.tokenizeChat = async () => {
    throw new EngineError('prompt_too_long', 'too long', { promptTokens: 9000 })
  }
  const farTooLong = await post(chatBody())
  expect([farTooLong.statusCode, farTooLong.json().error.param]).toEqual([400, 'messages'])
  expect(farTooLong.json().error.message).toContain('got more than 9000 prompt tokens')
  expect(role.engine.requests).toEqual([])
})

test('a prompt that leaves one token of room is answered, one more token is refused', async () => {
  const prompt = (words: number) => ({ messages: [{ role: 'user', content: 'w '.repeat(words) }] })
  const fits = await post(chatBody(prompt(63)))
  expect(fits.json()).toMatchObject({ usage: { prompt_tokens: 63, completion_tokens: 1 } })
  const tooLong = await post(chatBody(prompt(64)))
  expect(tooLong.json()).toMatchObject({ error: { code: 'context_length_exceeded' } })
  // Refused before it waits for a slot.
  expect(role.engine.requests).toHaveLength(1)
  // An answer that was asked to be longer than the room is bounded by it.
  await post(chatBody({ max_tokens: 1_000_000 }))
  expect(role.engine.requests[1]?.maxTokens).toBe(61)
})

test('an engine that dies in a stream ends it with a typed error event, never a bare cut', async () => {
  role.engine.failAt = 2
  const response = await post(chatBody({ stream: true }))
  expect(response.statusCode).toBe(200)
  const all = events(response.body)
  expect(JSON.parse(all.at(-1) ?? '')).toEqual({
    error: {
      message: expect.stringContaining('not available'),
      type: 'service_unavailable_error',
      param: null,
      code: 'model_unavailable',
    },
  })
})

test('an engine that dies before the first token is a 503 with Retry-After', async () => {
  role.engine.failAt = 0
  for (const stream of [true, false]) {
    const response = await post(chatBody({ stream }))
    expect(response.statusCode).toBe(503)
    expect(response.headers['retry-after']).toBe('3')
    expect(response.json()).toMatchObject({ error: { code: 'model_unavailable' } })
  }
})

test('what nobody foresaw is a 500 that hides the cause and logs its place', async () => {
  role.engine.tokenizeChat = () => Promise.reject(new TypeError('secret detail'))
  const response = await post(chatBody())
  expect(response.statusCode).toBe(500)
  expect(response.json()).toMatchObject({ error: { code: 'internal_error', type: 'server_error' } })
  expect(response.body + role.logged()).not.toContain('secret detail')
  expect(role.logged()).toContain('internal_error')
})

test('beyond the slots requests wait, beyond the queue they get 429 with Retry-After', async () => {
  await role.close()
  role = modelRole({ engine: new FakeEngine(1, 1) })
  let open = () => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  role.engine.beforeToken = () => gate
  const running = post(chatBody())
  await until(() => role.engine.stats().running === 1, 'one runs')
  const waiting = post(chatBody())
  await until(() => role.engine.stats().waiting === 1, 'one waits')
  const refused = await post(chatBody({ stream: true }))
  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '2'])
  expect(refused.json()).toMatchObject({ error: { code: 'queue_full', type: 'rate_limit_error' } })
  const metrics = await role.metrics.registry.metrics()
  expect(metrics).toContain('vllm:num_requests_running 1')
  expect(metrics).toContain('vllm:num_requests_waiting 1')
  open()
  expect([(await running).statusCode, (await waiting).statusCode]).toEqual([200, 200])
})

test('a key may have so many requests at once, and gets its places back', async () => {
  await role.close()
  role = modelRole({ limits: { maxStreamsPerKey: 1 } })
  let open = () => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  role.engine.beforeToken = () => gate
  const running = post(chatBody())
  await until(() => role.engine.stats().running === 1, 'one runs')
  const refused = await post(chatBody())
  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '1'])
  expect(refused.json()).toMatchObject({ error: { code: 'too_many_streams' } })
  open()
  await running
  expect((await post(chatBody())).statusCode).toBe(200)
})

test('an answer that takes too long ends: 504 before the first byte, an error event after it', async () => {
  await role.close()
  role = modelRole({ limits: { maxStreamMs: 1000 } })
  const never = new Promise<void>(() => {})
  role.engine.beforeToken = (index) =>
    index < 1 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, 1500))
  const streamed = await post(chatBody({ stream: true }))
  expect(JSON.parse(events(streamed.body).at(-1) ?? '')).toMatchObject({
    error: { code: 'deadline_exceeded' },
  })
  const whole = await post(chatBody())
  expect([whole.statusCode, whole.json()]).toMatchObject([
    504,
    { error: { code: 'deadline_exceeded' } },
  ])
  void never
})

test('a client that leaves frees its slot, also while it waits', async () => {
  await role.close()
  role = modelRole({ engine: new FakeEngine(1, 4) })
  role.engine.beforeToken = () => new Promise((resolve) => setTimeout(resolve, 20))
  role.engine.answer = Array.from({ length: 60 }, () => 'x ')
  const url = await role.listen()
  const leave = () =>
    new Promise<() => void>((resolve) => {
      const request = httpRequest(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: headers(),
      })
      request.on('error', () => {})
      request.end(JSON.stringify(chatBody({ stream: true })))
      resolve(() => request.destroy())
    })
  const gone = [await leave(), await leave(), await leave()]
  await until(() => role.engine.stats().waiting === 2, 'two wait')
  gone[1]?.()
  await until(() => role.engine.stats().waiting === 1, 'the one that waited is gone')
  gone[0]?.()
  gone[2]?.()
  await until(() => role.engine.stats().running === 0, 'the slot is free')
  expect(role.engine.stats()).toMatchObject({ running: 0, waiting: 0 })
})

test('a client that leaves while its prompt is read never holds a slot', async () => {
  let open = () => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  let asked = false
  role.engine.tokenizeChat = async () => {
    asked = true
    await gate
    return { tokens: [1, 2, 3], tail: '' }
  }
  role.engine.beforeToken = () => new Promise((resolve) => setTimeout(resolve, 5000))
  const url = await role.listen()
  const connections = () =>
    new Promise<number>((resolve) => role.app.server.getConnections((_, count) => resolve(count)))
  const request = httpRequest(`${url}/v1/chat/completions`, { method: 'POST', headers: headers() })
  request.on('error', () => {})
  request.end(JSON.stringify(chatBody()))
  await until(() => asked, 'the prompt is read')
  request.destroy()
  await until(async () => (await connections()) === 0, 'the connection is gone')
  open()
  await until(() => role.logged().includes('client_closed_request'), 'the request ended')
  expect(role.engine.requests).toEqual([])
  expect(role.engine.stats().running).toBe(0)
})

test('models are listed with digest and licence, and found by id only', async () => {
  const list = await role.app.inject({ url: '/v1/models', headers: headers() })
  const model = {
    ...{ id: MODEL, object: 'model', created: 0, owned_by: 'serantau' },
    ...{ digest: `sha256:${DIGEST}`, licence: 'Apache-2.0' },
  }
  expect(list.json()).toEqual({ object: 'list', data: [model] })
  const one = await role.app.inject({ url: `/v1/models/${MODEL}`, headers: headers() })
  expect(one.json()).toEqual(model)
  for (const id of ['nope', '..%2f..%2fetc%2fpasswd', '%00', `${MODEL}%20`]) {
    const response = await role.app.inject({ url: `/v1/models/${id}`, headers: headers() })
    expect([id, response.statusCode]).toEqual([id, 404])
    expect(response.json()).toMatchObject({ error: { code: 'model_not_found', param: 'model' } })
  }
})

test('tokens and first-token times are counted without any name of a key or text', async () => {
  await post(chatBody())
  const metrics = await role.metrics.registry.metrics()
  expect(metrics).toContain('serantau_tokens_total{kind="prompt"} 3')
  expect(metrics).toContain('serantau_tokens_total{kind="completion"} 5')
  expect(metrics).toContain('serantau_time_to_first_token_seconds_count 1')
  expect(metrics).toContain('serantau_inter_token_seconds_count 4')
  expect(metrics).toMatch(
    /serantau_requests_total\{route="\/v1\/chat\/completions",status="200",code="ok"\} 1/,
  )
  expect(metrics).not.toContain('first"')
})
