/** Answers that the model of these tests never gives: vectors, reasoning, errors of every kind. */
import { afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { EngineError } from '../../../server/engine/engine.ts'
import { HTTP_ERRORS, HttpError } from '../../../server/errors.ts'
import type { HttpErrorCode } from '../../../server/errors.ts'
import { MODEL, chatBody, headers, modelRole } from '../../helpers/roles.ts'
import type { TestRole } from '../../helpers/roles.ts'
import { chunksOf, namedEvents, reply } from './ask.ts'
import { Documents } from './documents.ts'
import { EXCEPTIONS } from './exceptions.ts'
import { comparable, joinedChat, joinedResponse } from './joined.ts'

const service = inject('service')
const { model } = service
const vectors = inject('vectors')
let documents: Documents
beforeAll(async () => {
  documents = await Documents.read(service)
})

describe('vectors', () => {
  const input = ['the of dan', 'yang']
  const answers: unknown[] = []
  beforeAll(async () => {
    for (const encoding_format of ['float', 'base64']) {
      const body = JSON.stringify({ model: vectors.model, input, encoding_format })
      answers.push((await reply('/embeddings', { method: 'POST', body }, vectors)).body)
    }
  })

  test('as numbers and as base64 are as both documents say', () => {
    expect(answers).toHaveLength(2)
    expect(answers.map((each) => documents.complaints('embeddings', each))).toEqual([[], []])
  })

  test('as base64 need their exception, as numbers they do not', () => {
    const [exception, ...others] = EXCEPTIONS.filter(({ kind }) => kind === 'embeddings')
    const said = answers.map((each) => documents.withoutExceptions('embeddings', each))
    expect(said).toEqual([[], input.map(() => expect.stringMatching(exception!.refusal))])
    expect(others).toEqual([])
  })
})

describe('errors, as both documents say', () => {
  const asked = { model, messages: [{ role: 'user', content: 'one' }], max_tokens: 1 }
  const CHAT = '/chat/completions'
  const post = (body: object | string, more: RequestInit = {}): RequestInit => ({
    ...{ method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) },
    ...more,
  })
  const held = (schema: object) => ({
    response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
  })

  test.each<[code: HttpErrorCode, path: string, init: RequestInit]>([
    ['invalid_json', CHAT, post('{')],
    ['invalid_value', CHAT, post({ ...asked, temperature: 9 })],
    ['missing_required_parameter', CHAT, post({ model })],
    ['unsupported_parameter', CHAT, post({ ...asked, audio: {} })],
    ['unsupported_parameter', '/responses', post({ model, input: 'one', store: true })],
    ['context_length_exceeded', '/completions', post({ model, prompt: 'one '.repeat(2000) })],
    ['unsupported_schema', CHAT, post({ ...asked, ...held({ not: {} }) })],
    ['embeddings_not_supported', '/embeddings', post({ model, input: 'one' })],
    ['missing_api_key', '/models', { headers: { authorization: '' } }],
    ['invalid_api_key', '/models', { headers: { authorization: 'Bearer sk-wrong' } }],
    ['model_not_found', CHAT, post({ ...asked, model: 'no-such-model' })],
    ['model_not_found', '/models/no-such-model', {}],
    ['unknown_url', '/threads', {}],
    ['request_too_large', CHAT, post(`{"model":"${'x'.repeat(1_100_000)}"}`)],
    ['unsupported_media_type', CHAT, post(asked, { headers: { 'content-type': 'text/plain' } })],
  ])('%s of %s, through the gateway', async (code, path, init) => {
    const { status, body } = await reply(path, init)
    expect([status, body]).toMatchObject([HTTP_ERRORS[code].status, { error: { code } }])
    expect(documents.complaints('error', body)).toEqual([])
  })

  test.each(Object.keys(HTTP_ERRORS) as HttpErrorCode[])('%s, whoever sends it', (code) => {
    const { body } = new HttpError(code, { expected: 'a', got: 'b', fix: 'c' })
    expect(documents.complaints('error', body)).toEqual([])
  })
})

describe('of a model that thinks and calls', () => {
  const tool = { name: 'weather', parameters: { type: 'object' } }
  let role: TestRole

  beforeEach(() => {
    role = modelRole({ model: { contextSize: 4096 }, limits: { maxStreamsPerKey: 1 } })
    const chatTemplate = '{% if tools %}<tool_call>{% endif %}<think></think>'
    role.engine.description = { ...role.engine.description, chatTemplate }
    role.engine.answer = [
      ...[
        '<think>',
        'hm',
        'm</think>\n\n',
        'So',
        ':<tool_call>\n{"name": "weather", "arguments": ',
      ],
      ...['{"city": ', '"Miri"}}\n</tool_call>'],
    ]
  })
  afterEach(() => role.close())

  const post = (url: string, body: object) =>
    role.app.inject({ method: 'POST', url, headers: headers(), payload: JSON.stringify(body) })
  const chat = chatBody({ tools: [{ type: 'function', function: tool }] })
  const response = { model: MODEL, input: 'one', tools: [{ type: 'function', ...tool }] }

  test('a chat is as both documents say, and streamed the same', async () => {
    const whole = (await post('/v1/chat/completions', chat)).json()
    const usage = { stream_options: { include_usage: true } }
    const stream = await post('/v1/chat/completions', { ...chat, ...usage, stream: true })
    const chunks = chunksOf(stream.body)
    expect(documents.complaints('chat', whole)).toEqual([])
    expect(chunks.flatMap((each) => documents.complaints('chunk of a chat', each))).toEqual([])
    expect(whole.choices[0].message).toMatchObject({ reasoning_content: 'hmm', content: 'So:' })
    expect(comparable(joinedChat(chunks as never[]))).toEqual(comparable(whole))
  })

  test('a response is, and streamed the same', async () => {
    const whole = (await post('/v1/responses', response)).json()
    const events = namedEvents((await post('/v1/responses', { ...response, stream: true })).body)
    expect(documents.complaints('response', whole)).toEqual([])
    expect(events.flatMap((each) => documents.complaints('event of a response', each))).toEqual([])
    const types = whole.output.map(({ type }: { type: string }) => type)
    expect(types).toEqual(['reasoning', 'message', 'function_call'])
    expect(comparable(joinedResponse(events as never[]))).toEqual(comparable(whole))
  })

  test('a response that fails on the way is, to its last event', async () => {
    role.engine.failAt = 3
    const events = namedEvents((await post('/v1/responses', { ...response, stream: true })).body)
    expect(events.at(-1)).toMatchObject({ type: 'response.failed' })
    expect(events.flatMap((each) => documents.complaints('event of a response', each))).toEqual([])
  })

  test('too many at once, and a full queue, are 429 as both documents say', async () => {
    const gate = Promise.withResolvers<void>()
    role.engine.beforeToken = () => gate.promise
    // It is sent once somebody waits for it.
    const first = Promise.resolve(post('/v1/chat/completions', { ...chat, max_tokens: 1 }))
    const second = await post('/v1/chat/completions', chat)
    gate.resolve()
    expect((await first).statusCode).toBe(200)
    role.engine.failWith = new EngineError('queue_full', 'full')
    const third = await post('/v1/chat/completions', chat)
    for (const refused of [second, third]) {
      expect([refused.statusCode, documents.complaints('error', refused.json())]).toEqual([429, []])
      expect(refused.headers['retry-after']).toMatch(/^\d+$/)
    }
  })
})
