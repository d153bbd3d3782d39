import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EngineError } from '../../server/engine/engine.ts'
import type { EngineErrorCode } from '../../server/engine/engine.ts'
import { FakeEngine } from '../helpers/fake-engine.ts'
import { chatBody, gatewayRole, headers, MODEL, modelRole } from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

interface Row {
  name: string
  /** `gateway`: what the gateway itself refuses the same way. */
  gateway?: true
  path?: string
  body: unknown
  headers?: Record<string, string>
  status: number
  code: string
  param: string | null
  /** Parts of the message: what was expected, what was got, the fix. */
  says: string[]
}

const chat = (more: object) => chatBody(more)
const message = (content: unknown, role: unknown = 'user') =>
  chat({ messages: [{ role, content }] })
const tool = (name: string, parameters?: object) => ({
  type: 'function',
  function: { name, ...(parameters && { parameters }) },
})
const keys = (count: number) => Array.from({ length: count }, (_, at) => `k${at}`)
const deep = (depth: number): object => (depth === 0 ? {} : { items: deep(depth - 1) })
const format = (schema: object) =>
  chat({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } })
const completion = (more: object) => ({ model: MODEL, prompt: 'one two', ...more })

const refused = (
  name: string,
  body: unknown,
  param: string,
  says: string[],
  code = 'invalid_value',
): Row => ({ name, body, status: 400, code, param, says })

const ROWS: Row[] = [
  {
    ...{ name: 'malformed JSON', gateway: true, body: '{"model": ', status: 400 },
    ...{ code: 'invalid_json', param: 'body', says: ['a JSON object', 'not JSON'] },
  },
  {
    ...{ name: 'an empty body', gateway: true, body: '', status: 400 },
    ...{ code: 'invalid_json', param: 'body', says: ['an empty body'] },
  },
  { ...refused('a list as body', [], 'body', ['a JSON object', 'a list of 0']), gateway: true },
  { ...refused('null as body', 'null', 'body', ['a JSON object', 'null']), gateway: true },
  {
    ...refused('no model', { messages: [] }, 'model', ['the id of a model', 'nothing']),
    ...{ gateway: true, code: 'missing_required_parameter' },
  },
  {
    ...refused('a number as model', chat({ model: 5 }), 'model', ['the id of a model', 'number 5']),
    gateway: true,
  },
  {
    ...{ name: 'an unknown model', gateway: true, body: chat({ model: 'gpt-9' }), status: 404 },
    ...{ code: 'model_not_found', param: 'model', says: [`"${MODEL}"`, '"gpt-9"', '/v1/models'] },
  },
  {
    ...{ name: '../ in model', gateway: true, status: 404, param: 'model' },
    ...{ body: chat({ model: '../../etc/passwd' }), code: 'model_not_found', says: ['../etc'] },
  },
  {
    ...{ name: 'control characters in model', gateway: true, status: 404, param: 'model' },
    ...{
      body: chat({ model: 'a\u001b[31m\r\nb' }),
      code: 'model_not_found',
      says: ['"a?[31m??b"'],
    },
  },
  refused('a string as stream', chat({ stream: 'yes' }), 'stream', ['true or false', 'a string']),
  refused(
    'no messages',
    { model: MODEL },
    'messages',
    ['a list', 'nothing', 'add the field'],
    'missing_required_parameter',
  ),
  refused('an empty list of messages', chat({ messages: [] }), 'messages', ['at least one']),
  refused('a string as messages', chat({ messages: 'hi' }), 'messages', [
    'a list',
    'a string of 2',
  ]),
  refused('a number as content', message(7), 'messages[0].content', ['a string', 'the number 7']),
  refused('null as content', message(null), 'messages[0].content', ['a string', 'null']),
  refused(
    'an image part',
    message([{ type: 'image_url', image_url: { url: 'http://a' } }]),
    'messages[0].content',
    ['parts {"type":"text"'],
  ),
  refused('an unknown role', message('hi', 'root'), 'messages[0].role', ['"user"', '"root"']),
  refused(
    'a tool result without a call',
    chat({ messages: [{ role: 'tool', content: 'x', tool_call_id: 'c1' }] }),
    'messages[0].tool_call_id',
    ['a call that came before', 'a string'],
  ),
  refused('an assistant that says nothing', message(null, 'assistant'), 'messages[0].content', [
    '"tool_calls"',
  ]),
  refused('temperature -1', chat({ temperature: -1 }), 'temperature', ['0 to 2', 'number -1']),
  refused('temperature 1e308', chat({ temperature: 1e308 }), 'temperature', ['0 to 2', '1e+308']),
  refused('a string as temperature', chat({ temperature: '1' }), 'temperature', [
    '0 to 2',
    'a string',
  ]),
  refused('top_p 1.5', chat({ top_p: 1.5 }), 'top_p', ['0 to 1', 'number 1.5']),
  refused('max_tokens 0', chat({ max_tokens: 0 }), 'max_tokens', ['from 1', 'number 0']),
  refused('max_tokens -1', chat({ max_tokens: -1 }), 'max_tokens', ['from 1', 'number -1']),
  refused('max_tokens 1.5', chat({ max_tokens: 1.5 }), 'max_tokens', ['a whole number', '1.5']),
  refused('max_tokens 2^53', chat({ max_tokens: 2 ** 53 }), 'max_tokens', ['a whole number']),
  refused(
    'max_completion_tokens -5',
    chat({ max_completion_tokens: -5 }),
    'max_completion_tokens',
    ['from 1', 'number -5'],
  ),
  refused('seed 1.5', chat({ seed: 1.5 }), 'seed', ['a whole number', '1.5']),
  refused('seed 1e300', chat({ seed: 1e300 }), 'seed', ['a whole number']),
  refused('a number as stop', chat({ stop: 3 }), 'stop', ['at most 4', 'number 3']),
  refused('five stops', chat({ stop: ['a', 'b', 'c', 'd', 'e'] }), 'stop', [
    'at most 4',
    'list of 5',
  ]),
  refused('an empty stop', chat({ stop: '' }), 'stop', ['1 to 256']),
  ...[0, -1, 1.5, 1e9, 2 ** 53].map((n) =>
    refused(`n ${n}`, chat({ n }), 'n', ['from 1 to 128', `number ${n}`]),
  ),
  refused(
    'a tool that is nothing',
    chat({ tools: [{}] }),
    'tools[0].type',
    ['"function"'],
    'missing_required_parameter',
  ),
  refused('a tool of another kind', chat({ tools: [{ type: 'web_search' }] }), 'tools[0].type', [
    '"function"',
  ]),
  refused(
    'a tool with a name that is none',
    chat({ tools: [tool('a b')] }),
    'tools[0].function.name',
    ['letters, digits'],
  ),
  refused(
    'two tools of a name',
    chat({ tools: [tool('a'), tool('a')] }),
    'tools[1].function.name',
    ['no other tool'],
  ),
  refused('a choice without tools', chat({ tool_choice: 'required' }), 'tool_choice', [
    'no "tools"',
    '"required"',
  ]),
  refused(
    'a choice of no tool',
    chat({ tools: [tool('a')], tool_choice: { type: 'function', function: { name: 'b' } } }),
    'tool_choice.function.name',
    ['one of "tools"', '"b"'],
  ),
  refused('top_logprobs alone', chat({ top_logprobs: 2 }), 'top_logprobs', ['"logprobs" is not']),
  refused('top_logprobs 21', chat({ logprobs: true, top_logprobs: 21 }), 'top_logprobs', [
    '0 to 20',
  ]),
  refused('a bias for no token', chat({ logit_bias: { x: 1 } }), 'logit_bias.x', ['token ids']),
  refused('a bias beyond all', chat({ logit_bias: { 5: 101 } }), 'logit_bias.5', ['-100 to 100']),
  refused(
    'too many biases',
    chat({ logit_bias: Object.fromEntries(keys(1025).map((_, at) => [at, 1])) }),
    'logit_bias',
    ['at most 1024'],
  ),
  refused('penalties of 3', chat({ presence_penalty: 3 }), 'presence_penalty', ['-2 to 2']),
  refused(
    'a JSON schema that is not there',
    chat({ response_format: { type: 'json_schema' } }),
    'response_format.json_schema',
    ['{"name","schema"}'],
    'missing_required_parameter',
  ),
  refused(
    'a schema with 50,000 values',
    format({ enum: keys(50_000) }),
    'response_format.json_schema.schema',
    ['1000 enum values'],
  ),
  refused(
    'a schema with 5,000 members',
    format({ properties: Object.fromEntries(keys(5000).map((key) => [key, {}])) }),
    'response_format.json_schema.schema',
    ['1000 properties'],
  ),
  refused('a schema that is too deep', format(deep(80)), 'response_format.json_schema.schema', [
    '32 levels',
  ]),
  refused(
    'a tool whose schema is too large',
    chat({ tools: [tool('a', { description: 'x'.repeat(70_000) })] }),
    'tools[0].function.parameters',
    ['65536 bytes'],
  ),
  refused(
    'a raw grammar',
    chat({ grammar: 'root ::= "a"' }),
    'grammar',
    ['response_format'],
    'unsupported_parameter',
  ),
  refused(
    'a stored answer',
    chat({ store: true }),
    'store',
    ['nothing is stored'],
    'unsupported_parameter',
  ),
  refused(
    'old functions',
    chat({ functions: [{ name: 'a' }] }),
    'functions',
    ['not supported'],
    'unsupported_parameter',
  ),
  refused(
    'variables of a template that are lists',
    chat({ chat_template_kwargs: { a: [] } }),
    'chat_template_kwargs.a',
    [],
  ),
  refused('stream_options alone', chat({ stream_options: {} }), 'stream_options', [
    '"stream" is not',
  ]),
  ...[[], ['a', 5], [['a']], [[]], [1.5], [-1], {}].map((prompt) => ({
    ...refused(
      `${JSON.stringify(prompt)} as prompt`,
      completion({ prompt }),
      /\[-1|\[\[\]/.test(JSON.stringify(prompt)) ? 'prompt[0]' : 'prompt',
      ['token ids'],
    ),
    path: '/v1/completions',
  })),
  {
    ...refused('best_of 3', completion({ best_of: 3 }), 'best_of', ['1'], 'unsupported_parameter'),
    path: '/v1/completions',
  },
  {
    ...{ name: 'a prompt longer than the context', body: message('word '.repeat(64)), status: 400 },
    ...{
      code: 'context_length_exceeded',
      param: 'messages',
      says: ['at most 63', '64 prompt tokens'],
    },
  },
  {
    ...{ name: 'another content type', gateway: true, body: chat({}), status: 415 },
    ...{ headers: { 'content-type': 'text/plain' }, code: 'unsupported_media_type' },
    ...{ param: 'content-type', says: ['"application/json"', '"text/plain"'] },
  },
]

const CONTENT_TYPES = ['application/json\t', ' application/json;', 'application/jsonx', 'text/json',
  'application/json; charset=utf-16', 'application/json, text/plain', 'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x', 'application/json;a=b'] // prettier-ignore

describe.each(['model', 'gateway'] as const)('the %s role refuses', (kind) => {
  let role: TestRole
  beforeAll(() => {
    role = kind === 'model' ? modelRole() : gatewayRole('http://127.0.0.1:1')
  })
  afterAll(() => role.close())

  const rows = ROWS.filter((row) => kind === 'model' || row.gateway)
  test.each(rows)('$name', async (row) => {
    const response = await role.app.inject({
      method: 'POST',
      url: row.path ?? '/v1/chat/completions',
      headers: { ...headers(), ...row.headers },
      payload: typeof row.body === 'string' ? row.body : JSON.stringify(row.body),
    })
    const { error } = response.json<{ error: Record<string, string | null> }>()
    expect({ status: response.statusCode, code: error['code'], param: error['param'] }).toEqual({
      ...{ status: row.status, code: row.code, param: row.param },
    })
    expect(error['type']).toBe('invalid_request_error')
    for (const part of [...row.says, 'expected', 'got', 'Fix:']) {
      expect(error['message']).toContain(part)
    }
  })

  test.each(CONTENT_TYPES)('the content type %j', async (contentType) => {
    const response = await role.app.inject({
      method: 'POST',
      url: '/v1/chat/completions',
      headers: { ...headers(), 'content-type': contentType },
      payload: JSON.stringify(chatBody()),
    })
    expect(response.statusCode).toBe(415)
  })

  test('a body of 10 MB over a real connection, and the client can read why', async () => {
    const url = await role.listen()
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: headers(),
      body: JSON.stringify(chatBody({ user: 'x'.repeat(10_000_000) })),
    })
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ error: { code: 'request_too_large' } })
  })
})

test('what changes nothing is accepted: nulls, harmless values and unknown fields', async () => {
  const role = modelRole()
  const harmless = {
    ...{ n: 1, tools: [], logit_bias: {}, presence_penalty: 0, response_format: { type: 'text' } },
    ...{ temperature: null, stop: null, max_tokens: null, stream_options: null, user: 'u' },
    ...{ metadata: { a: 'b' }, something_new: [1], __proto__: null },
  }
  const response = await role.app.inject({
    ...{ method: 'POST', url: '/v1/chat/completions', headers: headers() },
    payload: JSON.stringify(chatBody(harmless)),
  })
  expect(response.statusCode).toBe(200)
  await role.close()
})

test('chat on a model without a template is a typed 400 that names the other route', async () => {
  const role = modelRole({ model: { chat: false } })
  const response = await role.app.inject({
    ...{ method: 'POST', url: '/v1/chat/completions', headers: headers() },
    payload: JSON.stringify(chatBody()),
  })
  expect(response.statusCode).toBe(400)
  expect(response.json()).toMatchObject({ error: { code: 'chat_not_supported', param: 'model' } })
  expect(response.body).toContain('/v1/completions')
  await role.close()
})

test.each<[EngineErrorCode, string]>([
  ['no_chat_template', 'whose file has none'],
  ['chat_template_unusable', 'whose file has a broken one'],
])('chat on a model that finds out itself, %s: the same typed 400', async (code, got) => {
  const engine = new FakeEngine()
  engine.tokenizeChat = () => Promise.reject(new EngineError(code, code))
  const role = modelRole({ engine })
  const ask = (url: string, body: object) =>
    role.app.inject({ method: 'POST', url, headers: headers(), payload: JSON.stringify(body) })
  const response = await ask('/v1/chat/completions', chatBody())
  const { error } = response.json<{ error: Record<string, string> }>()
  expect([response.statusCode, error['code'], error['param']]).toEqual([
    ...[400, 'chat_not_supported', 'model'],
  ])
  expect(error['message']).toContain(`"${MODEL}", ${got}. Fix: use POST /v1/completions`)
  const completion = await ask('/v1/completions', { model: MODEL, prompt: 'one two' })
  expect(completion.statusCode).toBe(200)
  await role.close()
})

test('messages that the chat template refuses are a typed 400 that says what it takes', async () => {
  const engine = new FakeEngine()
  engine.tokenizeChat = () => Promise.reject(new EngineError('messages_refused', 'no'))
  const role = modelRole({ engine })
  const payload = JSON.stringify(chatBody())
  const asked = {
    method: 'POST',
    url: '/v1/chat/completions',
    headers: headers(),
    payload,
  } as const
  const response = await role.app.inject(asked)
  const { error } = response.json<{ error: Record<string, string> }>()
  expect([response.statusCode, error['code'], error['param']]).toEqual([
    ...[400, 'invalid_value', 'messages'],
  ])
  expect(error['message']).toMatch(/chat template of "fake-1" takes.*Fix: .*take turns/)
  await role.close()
})
