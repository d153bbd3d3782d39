import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { chatBody, events, headers, modelRole } from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

let role: TestRole
beforeEach(() => {
  role = modelRole({ model: { contextSize: 4096 } })
  // A template that knows tools, in the notation of Hermes.
  role.engine.description = { ...role.engine.description, chatTemplate: HERMES }
})
afterEach(() => role.close())

const HERMES = '{% if tools %}<tool_call>{"name": ...}</tool_call>{% endif %}<think></think>'

const post = (more: object) =>
  role.app.inject({
    ...{ method: 'POST', url: '/v1/chat/completions', headers: headers() },
    payload: JSON.stringify(chatBody(more)),
  })

/** Deltas and reasons of a stream. */
async function streamed(more: object) {
  const { body } = await post({ ...more, stream: true })
  const all = events(body)
  expect(all.pop()).toBe('[DONE]')
  return all.map((event) => JSON.parse(event).choices[0])
}

const tool = (name: string, parameters?: object) => ({
  type: 'function',
  function: { name, description: `what ${name} does`, ...(parameters && { parameters }) },
})
const WEATHER = tool('weather', {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
})
const CALL = [
  '<tool',
  '_call>\n{"name": "wea',
  'ther", "arguments": {"city": ',
  '"Kuching"}}\n</tool_call>',
]

describe('tools', () => {
  test('a call in the answer is a call of the message, whole', async () => {
    role.engine.answer = ['Let me see. ', ...CALL]
    const { choices } = (await post({ tools: [WEATHER] })).json()
    expect(choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        tool_calls: [
          {
            id: expect.stringMatching(/^call_[0-9a-f]{24}$/),
            ...{
              type: 'function',
              function: { name: 'weather', arguments: '{"city": "Kuching"}' },
            },
          },
        ],
      },
    })
    expect(choices[0].message.content.trim()).toBe('Let me see.')
  })

  test('a call and nothing else has no content', async () => {
    role.engine.answer = CALL
    const { choices } = (await post({ tools: [WEATHER] })).json()
    expect(choices[0].message.content).toBeNull()
  })

  test('a streamed call is the same call in pieces', async () => {
    role.engine.answer = CALL
    const choices = await streamed({ tools: [WEATHER] })
    const calls = choices.flatMap(({ delta }) => delta.tool_calls ?? [])
    expect(calls[0]).toMatchObject({ index: 0, type: 'function', function: { name: 'weather' } })
    const text = calls.map((call) => call.function.arguments).join('')
    expect(JSON.parse(text)).toEqual({ city: 'Kuching' })
    expect(choices.at(-1).finish_reason).toBe('tool_calls')
  })

  test('two calls are two', async () => {
    role.engine.answer = [...CALL, '\n', ...CALL]
    const { choices } = (await post({ tools: [WEATHER] })).json()
    expect(choices[0].message.tool_calls).toHaveLength(2)
    expect(new Set(choices[0].message.tool_calls.map(({ id }: { id: string }) => id)).size).toBe(2)
  })

  test('a call of Kimi K2 has the id by which its template names the result', async () => {
    const chatTemplate = '{{ tools }}<|tool_calls_section_begin|>'
    role.engine.description = { ...role.engine.description, chatTemplate }
    const call = '<|tool_call_begin|>functions.weather:7<|tool_call_argument_begin|>{}'
    role.engine.answer = [`<|tool_calls_section_begin|>${call}<|tool_call_end|>`]
    const before = { type: 'function', function: { name: 'time', arguments: '{}' } }
    const messages = [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: null, tool_calls: [{ id: 'functions.time:0', ...before }] },
      { role: 'tool', content: '9', tool_call_id: 'functions.time:0' },
    ]
    const { choices } = (await post({ messages, tools: [WEATHER] })).json()
    expect(choices[0].message.tool_calls).toMatchObject([{ id: 'functions.weather:1' }])
    const deltas = (await streamed({ messages, tools: [WEATHER] })).map(({ delta }) => delta)
    expect(deltas.find((delta) => delta.tool_calls)?.tool_calls[0].id).toBe('functions.weather:1')
  })

  test('without tools, or with the choice "none", a call is text', async () => {
    role.engine.answer = CALL
    for (const more of [{}, { tools: [WEATHER], tool_choice: 'none' }]) {
      const { choices } = (await post(more)).json()
      expect(choices[0]).toMatchObject({
        finish_reason: 'stop',
        message: { content: CALL.join('') },
      })
    }
    expect(role.engine.chats.map(({ tools }) => tools)).toEqual([[], []])
  })

  test('"required" and a name are what the engine is held to, within the tools that may be called', async () => {
    role.engine.answer = CALL
    const tools = [WEATHER, tool('time')]
    await post({ tools, tool_choice: 'required' })
    await post({ tools, tool_choice: { type: 'function', function: { name: 'time' } } })
    await post({ tools, tool_choice: 'auto' })
    const [required, named, auto] = role.engine.requests.map(({ parts }) => JSON.stringify(parts))
    expect(required).toContain('weather')
    expect(required).toContain('time')
    expect(required).toContain('repeat')
    expect(named).not.toContain('weather')
    expect(named).not.toContain('repeat')
    expect(auto).toBeUndefined()
  })

  test('are told in the prompt where the template does not know of any', async () => {
    role.engine.description = { ...role.engine.description, chatTemplate: '{{ messages }}' }
    role.engine.answer = CALL
    const call = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}' } }
    const messages = [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', content: 'rain', tool_call_id: 'c1' },
    ]
    const { choices } = (await post({ messages, tools: [WEATHER] })).json()
    expect(choices[0].message.tool_calls).toHaveLength(1)
    const [chat] = role.engine.chats
    expect(chat?.tools).toEqual([])
    expect(chat?.messages.map((each) => each.role)).toEqual(['system', 'user', 'assistant', 'user'])
    expect(chat?.messages[0]?.content).toContain('what weather does')
    expect(chat?.messages[2]?.content).toContain(
      '<tool_call>\n{"name": "weather", "arguments": {}}',
    )
    expect(chat?.messages[3]?.content).toContain('<tool_response>\nrain')
  })

  test('a call that the answer was too short for is no finished call', async () => {
    role.engine.answer = CALL
    const { choices } = (await post({ tools: [WEATHER], max_tokens: 3 })).json()
    expect(choices[0].finish_reason).toBe('length')
  })
})

describe('reasoning', () => {
  test('is told apart from the answer, whole and streamed, and counted', async () => {
    role.engine.answer = ['<think>', 'hm', 'm', '</think>', '\n\nYes']
    const whole = (await post({})).json()
    expect(whole.choices[0].message).toMatchObject({ content: 'Yes', reasoning_content: 'hmm' })
    expect(whole.usage.completion_tokens_details.reasoning_tokens).toBeGreaterThan(0)
    const choices = await streamed({})
    const text = (name: string) => choices.map(({ delta }) => delta[name] ?? '').join('')
    expect([text('reasoning_content'), text('content')]).toEqual(['hmm', 'Yes'])
  })

  test('goes on where the prompt ended within it', async () => {
    role.engine.tail = 'assistant\n<think>\n'
    role.engine.answer = ['hmm', '</think>', 'Yes']
    const { choices } = (await post({})).json()
    expect(choices[0].message).toMatchObject({ content: 'Yes', reasoning_content: 'hmm' })
  })

  test('stays where the model wrote it when the client wants that', async () => {
    role.engine.answer = ['<think>', 'hmm', '</think>', 'Yes']
    const { choices } = (await post({ reasoning_format: 'none' })).json()
    expect(choices[0].message.content).toBe('<think>hmm</think>Yes')
    expect(choices[0].message).not.toHaveProperty('reasoning_content')
  })

  test('is switched by a variable of the template, in words of OpenAI and of vLLM', async () => {
    await post({ reasoning_effort: 'none' })
    await post({ chat_template_kwargs: { enable_thinking: false, messages: 'x' } })
    expect(role.engine.chats.map(({ variables }) => variables)).toEqual([
      { reasoning_effort: 'none', enable_thinking: false },
      { enable_thinking: false },
    ])
  })
})

describe('an answer that must be JSON', () => {
  const schema = { type: 'object', properties: { a: { type: 'integer' } } }

  test.each([
    [{ type: 'json_object' }, [{ json: { type: 'object' } }]],
    [{ type: 'json_schema', json_schema: { name: 'x', schema, strict: true } }, [{ json: schema }]],
    [{ type: 'text' }, undefined],
  ])('%j', async (response_format, parts) => {
    await post({ response_format })
    expect(role.engine.requests[0]?.parts).toEqual(parts)
  })

  test('may be thought about first, freely', async () => {
    role.engine.tail = '<think>\n'
    await post({ response_format: { type: 'json_object' } })
    expect(role.engine.requests[0]?.parts?.[0]).toEqual({ textBefore: '</think>' })
  })

  test('has an end of its own', async () => {
    await post({ response_format: { type: 'json_object' }, ignore_eos: true })
    expect(role.engine.requests[0]?.ignoreEos).toBe(false)
  })
})

describe('several answers', () => {
  test('come whole, each from its own seed, and the prompt counts once', async () => {
    const body = (await post({ n: 3, seed: 40 })).json()
    expect(body.choices.map(({ index }: { index: number }) => index)).toEqual([0, 1, 2])
    expect(role.engine.requests.map(({ seed }) => seed)).toEqual([40, 41, 42])
    expect(body.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 15, total_tokens: 18 })
  })

  test('come streamed, each chunk of one of them', async () => {
    const choices = await streamed({ n: 2 })
    for (const index of [0, 1]) {
      const own = choices.filter((choice) => choice.index === index)
      expect(own.map(({ delta }) => delta.content ?? '').join('')).toBe('Hello from the fake.')
      expect(own.filter(({ finish_reason }) => finish_reason === 'stop')).toHaveLength(1)
    }
  })

  test('fail together: one typed error, and every slot is free again', async () => {
    role.engine.failAt = 0
    const response = await post({ n: 3 })
    expect(response.statusCode).toBe(503)
    expect(role.engine.stats().running).toBe(0)
  })
})

describe('log probabilities', () => {
  test('are those of every token, with as many others as were asked for', async () => {
    const { choices } = (await post({ logprobs: true, top_logprobs: 2 })).json()
    const { content } = choices[0].logprobs
    expect(content.map(({ token }: { token: string }) => token)).toEqual(role.engine.answer)
    expect(content[0]).toEqual({
      ...{ token: 'Hello', logprob: -Math.LN2, bytes: [72, 101, 108, 108, 111] },
      top_logprobs: [
        { token: 'Hello', logprob: -Math.LN2, bytes: [72, 101, 108, 108, 111] },
        { token: 'other1', logprob: -2 * Math.LN2, bytes: [111, 116, 104, 101, 114, 49] },
      ],
    })
  })

  test('of a stream put together are those of the whole answer', async () => {
    const whole = (await post({ logprobs: true })).json().choices[0].logprobs.content
    const choices = await streamed({ logprobs: true })
    expect(choices.flatMap(({ logprobs }) => logprobs?.content ?? [])).toEqual(whole)
  })

  test('are not told unasked', async () => {
    expect((await post({})).json().choices[0].logprobs).toBeNull()
  })
})

test('what a sampler is set to reaches the engine', async () => {
  await post({
    ...{ top_k: -1, min_p: 0.1, presence_penalty: 1, frequency_penalty: -1 },
    logit_bias: { 5: -100, 17: 2.5 },
  })
  expect(role.engine.requests[0]).toMatchObject({
    ...{ topK: 0, minP: 0.1, presencePenalty: 1, frequencyPenalty: -1 },
    logitBias: [
      [5, -100],
      [17, 2.5],
    ],
  })
})
