import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { headers, MODEL, modelRole } from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

let role: TestRole
beforeEach(() => {
  role = modelRole({ model: { contextSize: 4096 } })
  const chatTemplate = '{% if tools %}<tool_call>{% endif %}<think></think>'
  role.engine.description = { ...role.engine.description, chatTemplate }
})
afterEach(() => role.close())

const post = (more: object) =>
  role.app.inject({
    ...{ method: 'POST', url: '/v1/responses', headers: headers() },
    payload: JSON.stringify({ model: MODEL, input: 'one two', ...more }),
  })

/** Events of a stream, with the name that each was sent under. */
async function streamed(more: object) {
  const { body } = await post({ ...more, stream: true })
  return body
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block)!
      const event = JSON.parse(data!)
      expect(event.type).toBe(name)
      return event
    })
}

const WEATHER = {
  ...{ type: 'function', name: 'weather' },
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
}
const CALL = ['<tool_call>\n{"name": "weather", "arguments": ', '{"city": "Miri"}}\n</tool_call>']

test('a whole response is one message, with its usage', async () => {
  const body = (await post({ instructions: 'be brief', metadata: { a: 'b' } })).json()
  expect(body).toMatchObject({
    id: expect.stringMatching(/^resp_[0-9a-f]{32}$/),
    ...{ object: 'response', status: 'completed', model: MODEL, error: null },
    ...{ instructions: 'be brief', metadata: { a: 'b' }, store: false },
    incomplete_details: null,
    output: [
      {
        id: expect.stringMatching(/^msg_/),
        ...{ type: 'message', role: 'assistant', status: 'completed' },
        content: [{ type: 'output_text', text: 'Hello from the fake.', annotations: [] }],
      },
    ],
    usage: { input_tokens: 4, output_tokens: 5, total_tokens: 9 },
  })
  expect(role.engine.chats[0]?.messages).toEqual([
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'one two' },
  ])
})

test('a response that was cut says so', async () => {
  const body = (await post({ max_output_tokens: 2 })).json()
  expect(body).toMatchObject({
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    output: [{ status: 'incomplete' }],
  })
})

test('reasoning and calls are items of their own', async () => {
  role.engine.answer = ['<think>', 'hmm', '</think>\n\n', 'So:', ...CALL]
  const { output } = (await post({ tools: [WEATHER] })).json()
  expect(output.map(({ type }: { type: string }) => type)).toEqual([
    ...['reasoning', 'message', 'function_call'],
  ])
  expect(output[0].content).toEqual([{ type: 'reasoning_text', text: 'hmm' }])
  expect(output[2]).toMatchObject({ name: 'weather', call_id: expect.stringMatching(/^call_/) })
  expect(JSON.parse(output[2].arguments)).toEqual({ city: 'Miri' })
})

test('a stream has its events in order and numbered, and ends with the whole response', async () => {
  role.engine.answer = ['<think>', 'hmm', '</think>\n\n', 'So', ':', ...CALL]
  const all = await streamed({ tools: [WEATHER] })
  expect(all.map(({ sequence_number }) => sequence_number)).toEqual([...all.keys()])
  const names = all.map(({ type }) => type.replace('response.', ''))
  expect(names.filter((name, at) => name !== names[at - 1])).toEqual([
    ...['created', 'in_progress'],
    ...['output_item.added', 'content_part.added', 'reasoning_text.delta', 'reasoning_text.done'],
    ...['content_part.done', 'output_item.done'],
    ...['output_item.added', 'content_part.added', 'output_text.delta', 'output_text.done'],
    ...['content_part.done', 'output_item.done'],
    ...['output_item.added', 'function_call_arguments.delta', 'function_call_arguments.done'],
    ...['output_item.done', 'completed'],
  ])
  const whole = (await post({ tools: [WEATHER] })).json()
  const plain = (output: object[]) =>
    JSON.parse(JSON.stringify(output).replace(/"(id|call_id)":"[^"]*"/g, '"$1":""'))
  expect(plain(all.at(-1).response.output)).toEqual(plain(whole.output))
})

test('an error on the way is an event that says so', async () => {
  role.engine.failAt = 2
  const all = await streamed({})
  expect(all.at(-1)).toMatchObject({
    type: 'response.failed',
    response: { status: 'failed', error: { code: 'server_error' } },
  })
})

test('items are read as the messages that they were', async () => {
  const input = [
    { role: 'user', content: [{ type: 'input_text', text: 'q' }] },
    { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'hm' }] },
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'a' }] },
    { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{}' },
    { type: 'function_call', call_id: 'c2', name: 'weather', arguments: '{}' },
    { type: 'function_call_output', call_id: 'c1', output: 'rain' },
    { type: 'function_call_output', call_id: 'c2', output: 'sun' },
  ]
  await post({ input, tools: [WEATHER] })
  const call = (id: string) => ({ id, name: 'weather', arguments: '{}' })
  expect(role.engine.chats[0]?.messages).toEqual([
    { role: 'user', content: 'q' },
    { role: 'assistant', content: 'a', reasoning: 'hm', toolCalls: [call('c1'), call('c2')] },
    { role: 'tool', content: 'rain', toolCallId: 'c1' },
    { role: 'tool', content: 'sun', toolCallId: 'c2' },
  ])
})

test('a format and a forced call are what the engine is held to', async () => {
  const schema = { type: 'object' }
  await post({ text: { format: { type: 'json_schema', name: 'x', schema } } })
  await post({ tools: [WEATHER], tool_choice: { type: 'function', name: 'weather' } })
  expect(role.engine.requests[0]?.parts).toEqual([{ json: schema }])
  expect(JSON.stringify(role.engine.requests[1]?.parts)).toContain('weather')
})

describe('what is kept nowhere here is refused by name', () => {
  test.each([
    ...[{ previous_response_id: 'resp_1' }, { store: true }, { conversation: 'c' }],
    ...[{ background: true }, { prompt: { id: 'p' } }, { truncation: 'auto' }],
  ])('%j', async (more) => {
    const response = await post(more)
    expect(response.statusCode).toBe(400)
    expect(response.json().error).toMatchObject({
      ...{ code: 'unsupported_parameter', param: Object.keys(more)[0] },
    })
  })
})

test.each([
  [{ input: [] }, 'input'],
  [{ input: [{ type: 'function_call_output', call_id: 'no', output: '' }] }, 'input[0].call_id'],
  [{ input: [{ type: 'item_reference', id: 'x' }] }, 'input[0].type'],
  [{ tools: [{ type: 'web_search' }] }, 'tools[0].type'],
  [{ tools: [WEATHER], tool_choice: { type: 'function', name: 'no' } }, 'tool_choice.name'],
])('%j is refused by its field', async (more, param) => {
  const response = await post(more)
  expect(response.statusCode).toBe(400)
  expect(response.json().error.param).toBe(param)
})
