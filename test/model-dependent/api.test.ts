import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API_KEY, headers } from '../helpers/roles.ts'
import {
  gatewayConfig,
  modelConfig,
  startRole,
  untilReady,
  weightsOf,
} from '../helpers/real-role.ts'
import type { RealRole } from '../helpers/real-role.ts'

const MODEL = 'smollm2-135m-instruct'
const ajv = new Ajv2020({ strict: false })
addFormats.default(ajv)

let model: RealRole
let gateway: RealRole
let client: OpenAI

beforeAll(async () => {
  model = await startRole(modelConfig(MODEL, await weightsOf(MODEL), { contextSize: 2048 }))
  gateway = await startRole(gatewayConfig({ [MODEL]: model.url }))
  await Promise.all([untilReady(model), untilReady(gateway)])
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: API_KEY, maxRetries: 0 })
})
afterAll(() => Promise.all([model?.stop(), gateway?.stop()]))

const post = async (path: string, body: object) => {
  const asked = { method: 'POST', headers: headers(), body: JSON.stringify(body) }
  const response = await fetch(`${gateway.url}${path}`, asked)
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any JSON that a test looks into
  return { status: response.status, body: (await response.json()) as any }
}
const asked = (content: string, more: object = {}) => ({
  ...{ model: MODEL, messages: [{ role: 'user' as const, content }] },
  ...{ temperature: 0, max_tokens: 64, ...more },
})

const PERSON = {
  ...{ type: 'object', required: ['name', 'age'], additionalProperties: false },
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 20 },
    age: { type: 'integer', minimum: 0, maximum: 150 },
    email: { type: 'string', format: 'email' },
    likes: { type: 'array', items: { enum: ['tea', 'coffee', 'water'] }, maxItems: 3 },
  },
}

describe('an answer that must be JSON', () => {
  const format = (schema: object) => ({
    response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } },
  })

  test.each([0, 1.5])('is valid by its schema at temperature %d', async (temperature) => {
    const validate = ajv.compile(PERSON)
    let whole = 0
    for (let seed = 0; seed < 4; seed++) {
      const more = { ...format(PERSON), temperature, seed, max_tokens: 256 }
      const { body } = await post('/v1/chat/completions', asked('Describe a person.', more))
      const { finish_reason: reason, message } = body.choices[0]
      expect(['stop', 'length']).toContain(reason)
      if (reason === 'length') continue
      whole++
      expect([message.content, validate(JSON.parse(message.content))]).toEqual([
        ...[message.content, true],
      ])
    }
    expect(whole).toBeGreaterThan(0)
  })

  test('says that it was cut off where max_tokens ends it', async () => {
    const more = { ...format(PERSON), max_tokens: 3 }
    const { body } = await post('/v1/chat/completions', asked('Describe a person.', more))
    expect(body.choices[0].finish_reason).toBe('length')
  })

  test('is any object with json_object, streamed too', async () => {
    const stream = await client.chat.completions.create({
      ...asked('Give me JSON.', { response_format: { type: 'json_object' }, max_tokens: 200 }),
      stream: true,
    })
    let text = ''
    let reason: string | null | undefined
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      reason = chunk.choices[0]?.finish_reason ?? reason
    }
    if (reason === 'stop') expect(typeof JSON.parse(text)).toBe('object')
    expect(text.startsWith('{')).toBe(true)
  })

  test('that no grammar can keep is a typed 400 with the place, and the engine lives', async () => {
    const { status, body } = await post(
      '/v1/chat/completions',
      asked('x', format({ properties: { a: { not: {} } } })),
    )
    expect([status, body.error.code]).toEqual([400, 'unsupported_schema'])
    expect(body.error.message).toContain('/properties/a/not')
  })

  test('streams of others go on beside it as they would alone', async () => {
    const alone = await post('/v1/chat/completions', asked('Count to ten.'))
    const [free] = await Promise.all([
      post('/v1/chat/completions', asked('Count to ten.')),
      post('/v1/chat/completions', asked('Describe a person.', format(PERSON))),
    ])
    expect(free.body.choices[0].message.content).toBe(alone.body.choices[0].message.content)
  })
})

describe('a forced call', () => {
  const tools = ['weather', 'time'].map((name) => ({
    type: 'function' as const,
    function: {
      name,
      parameters: {
        type: 'object',
        properties: { city: { enum: ['Miri', 'Sibu'] } },
        required: ['city'],
      },
    },
  }))

  test('is a call of one of the tools, with valid arguments', async () => {
    const more = { tools, tool_choice: 'required', parallel_tool_calls: false, max_tokens: 128 }
    const { body } = await post('/v1/chat/completions', asked('Is it raining?', more))
    const [choice] = body.choices
    expect(choice.finish_reason).toBe('tool_calls')
    const [call] = choice.message.tool_calls
    expect(['weather', 'time']).toContain(call.function.name)
    expect(['Miri', 'Sibu']).toContain(JSON.parse(call.function.arguments).city)
  })

  test('of a name is a call of that tool, streamed as it is whole', async () => {
    const named = { type: 'function' as const, function: { name: 'time' } }
    const more = { tools, tool_choice: named, max_tokens: 128 }
    const whole = await client.chat.completions.create(asked('Is it raining?', more))
    const stream = await client.chat.completions.create({
      ...asked('Is it raining?', more),
      stream: true,
    })
    let name = ''
    let given = ''
    for await (const chunk of stream) {
      for (const { function: called } of chunk.choices[0]?.delta.tool_calls ?? []) {
        name += called?.name ?? ''
        given += called?.arguments ?? ''
      }
    }
    expect(whole.choices[0]?.message.tool_calls).toMatchObject([
      { function: { name: 'time', arguments: given } },
    ])
    expect(name).toBe('time')
  })
})

describe('log probabilities', () => {
  const OPENING = 'The capital of Malaysia is'

  test('of likely tokens add up, and the greedy token is the likeliest', async () => {
    const more = { logprobs: true, top_logprobs: 20, max_tokens: 8 }
    const { body } = await post('/v1/chat/completions', asked(OPENING, more))
    const { content } = body.choices[0].logprobs
    expect(content).toHaveLength(body.usage.completion_tokens)
    for (const { token, logprob, top_logprobs: top } of content) {
      expect(top).toHaveLength(20)
      expect([top[0].token, top[0].logprob]).toEqual([token, logprob])
      const sum = top.reduce(
        (all: number, each: { logprob: number }) => all + Math.exp(each.logprob),
        0,
      )
      expect(sum).toBeGreaterThan(0.1)
      expect(sum).toBeLessThan(1.0001)
    }
  })

  test('of a prompt are those of an answer that says the same', async () => {
    const first = await post('/v1/completions', {
      ...{ model: MODEL, prompt: OPENING, temperature: 0, max_tokens: 6, logprobs: 1 },
    })
    const answer = first.body.choices[0]
    const { body: tokens } = await post('/tokenize', { prompt: OPENING + answer.text })
    const second = await post('/v1/completions', {
      ...{ model: MODEL, prompt: tokens.tokens, temperature: 0, max_tokens: 0 },
      ...{ logprobs: 1, echo: true },
    })
    const told = second.body.choices[0].logprobs.token_logprobs
    expect(told[0]).toBeNull()
    const own = answer.logprobs.token_logprobs
    for (const [at, logprob] of told.slice(-own.length).entries()) {
      expect(logprob).toBeCloseTo(own[at], 1)
    }
  })

  test('of a prompt are the same whatever was in the cache', async () => {
    const body = {
      model: MODEL,
      prompt: OPENING.repeat(12),
      max_tokens: 1,
      echo: true,
      logprobs: 0,
      temperature: 0,
    }
    const [a, b] = [await post('/v1/completions', body), await post('/v1/completions', body)]
    expect(a.body.choices[0].logprobs.token_logprobs.slice(1)).not.toContain(null)
    expect(b.body.choices[0].logprobs).toEqual(a.body.choices[0].logprobs)
  })
})

test('penalties and biases change what is said', async () => {
  const plain = (await post('/v1/chat/completions', asked('Say yes or no.'))).body
  const { tokens } = (await post('/tokenize', { content: plain.choices[0].message.content })).body
  const bias = { logit_bias: { [tokens[0]]: -100 } }
  const biased = (await post('/v1/chat/completions', asked('Say yes or no.', bias))).body
  expect(biased.choices[0].message.content).not.toBe(plain.choices[0].message.content)
  const repeat = { model: MODEL, prompt: 'la la la la la la la la', temperature: 0, max_tokens: 24 }
  const again = (await post('/v1/completions', repeat)).body.choices[0].text
  const varied = (await post('/v1/completions', { ...repeat, frequency_penalty: 2 })).body
  expect(varied.choices[0].text).not.toBe(again)
})

test('several answers differ, and are the same again with the same seed', async () => {
  const more = { n: 3, seed: 5, temperature: 1, max_tokens: 16 }
  const [one, two] = await Promise.all([
    post('/v1/chat/completions', asked('Name a fruit.', more)),
    post('/v1/chat/completions', asked('Name a fruit.', more)),
  ])
  const texts = (body: { choices: { message: { content: string } }[] }) =>
    body.choices.map(({ message }) => message.content)
  expect(new Set(texts(one.body)).size).toBeGreaterThan(1)
  expect(texts(two.body)).toEqual(texts(one.body))
})

test('text and tokens turn into each other', async () => {
  const text = 'Selamat pagi, dunia! สวัสดี 🌧️'
  const { body } = await post('/tokenize', { content: text, with_pieces: true })
  expect(body.count).toBe(body.tokens.length)
  expect(body.token_strs).toHaveLength(body.count)
  const back = await post('/detokenize', { tokens: body.tokens })
  expect(back.body.content).toBe(text)
})
