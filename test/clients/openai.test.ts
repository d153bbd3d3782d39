import OpenAI from 'openai'
import { zodFunction, zodResponseFormat, zodTextFormat } from 'openai/helpers/zod'
import { describe, expect, inject, test } from 'vitest'
import {
  ABOUT_TOOL,
  FORECAST_QUESTION,
  ForecastSchema,
  QUESTION,
  TOOL,
  UNKNOWN_MODEL,
  WEATHER_QUESTION,
  WeatherSchema,
} from './questions.ts'

const { baseURL, apiKey, model } = inject('service')

// docs: openai (npm)
const client = new OpenAI({ baseURL, apiKey })
// docs: end

const messages = [{ role: 'user' as const, content: QUESTION }]
const greedy = { model, temperature: 0 }
const short = { ...greedy, max_tokens: 24 }
const weather = zodFunction({ name: TOOL, description: ABOUT_TOOL, parameters: WeatherSchema })
const called = {
  ...{ ...greedy, max_tokens: 128, tools: [weather] },
  tool_choice: { type: 'function' as const, function: { name: TOOL } },
  messages: [{ role: 'user' as const, content: WEATHER_QUESTION }],
}

test('lists the model and finds it by its id', async () => {
  const ids: string[] = []
  for await (const { id } of client.models.list()) ids.push(id)
  expect(ids).toEqual([model])
  expect((await client.models.retrieve(model)).owned_by).toBe('serantau')
})

describe('chat completions', () => {
  test('whole and streamed are the same text, with the same usage', async () => {
    const whole = await client.chat.completions.create({ ...short, messages })
    const runner = client.chat.completions.stream({
      ...{ ...short, messages },
      stream_options: { include_usage: true },
    })
    const streamed = await runner.finalChatCompletion()
    expect(whole.choices[0]?.message.content).toMatch(/\w/)
    expect(streamed.choices[0]?.message.content).toBe(whole.choices[0]?.message.content)
    expect(streamed.usage?.completion_tokens).toBe(whole.usage?.completion_tokens)
    expect(whole.usage?.completion_tokens).toBeGreaterThan(0)
  })

  test('a forced call has the arguments of the schema, whole and streamed', async () => {
    const whole = await client.chat.completions.parse(called)
    const streamed = await client.chat.completions.stream(called).finalChatCompletion()
    for (const { choices } of [whole, streamed]) {
      const [call] = choices[0]?.message.tool_calls ?? []
      expect(choices[0]?.finish_reason).toBe('tool_calls')
      expect(call).toMatchObject({ type: 'function', function: { name: TOOL } })
      const { parsed_arguments: given } = (call as { function: { parsed_arguments?: unknown } })
        .function
      WeatherSchema.parse(given)
    }
  })

  test('an answer follows the result of a call', async () => {
    const [choice] = (await client.chat.completions.create(called)).choices
    const call = choice!.message.tool_calls![0]!
    const answer = await client.chat.completions.create({
      ...{ ...short, tools: [weather] },
      messages: [
        ...called.messages,
        choice!.message,
        { role: 'tool', tool_call_id: call.id, content: '31 degrees' },
      ],
    })
    expect(answer.choices[0]?.finish_reason).toMatch(/^(stop|length|tool_calls)$/)
    expect(answer.usage!.prompt_tokens).toBeGreaterThan(40)
  })

  test('an answer is held to a schema', async () => {
    const completion = await client.chat.completions.parse({
      ...{ ...greedy, max_tokens: 128 },
      messages: [{ role: 'user', content: FORECAST_QUESTION }],
      response_format: zodResponseFormat(ForecastSchema, 'forecast'),
    })
    expect(ForecastSchema.parse(completion.choices[0]?.message.parsed)).toBeDefined()
  })

  test('an answer is a JSON object where one is wanted', async () => {
    const completion = await client.chat.completions.create({
      ...{ ...greedy, max_tokens: 256, frequency_penalty: 0.5 },
      messages: [{ role: 'user', content: 'Name a fruit as JSON: {"fruit": ...}' }],
      response_format: { type: 'json_object' },
    })
    const [choice] = completion.choices
    expect(choice?.message.content?.trimStart()).toMatch(/^\{/)
    if (choice?.finish_reason === 'stop') {
      expect(JSON.parse(choice.message.content ?? '')).toBeTypeOf('object')
    }
  })

  test('tells the log probabilities of its tokens, and gives several answers', async () => {
    const completion = await client.chat.completions.create({
      ...{ ...short, messages, max_tokens: 4, n: 2, logprobs: true, top_logprobs: 3 },
    })
    const [first, second] = completion.choices
    expect([first?.index, second?.index]).toEqual([0, 1])
    expect(second?.message.content).toBe(first?.message.content)
    const tokens = first?.logprobs?.content ?? []
    expect(tokens.map(({ token }) => token).join('')).toBe(first?.message.content)
    for (const { token, logprob, top_logprobs: top } of tokens) {
      expect(top).toHaveLength(3)
      // Greedy: the token that was taken is the likeliest.
      expect(top[0]).toMatchObject({ token, logprob })
      expect(logprob).toBeLessThanOrEqual(0)
    }
  })
})

describe('responses', () => {
  const input = QUESTION
  const asked = { model, temperature: 0, max_output_tokens: 24 }

  test('whole and streamed are the same text', async () => {
    const whole = await client.responses.create({ ...asked, input })
    const stream = client.responses.stream({ ...asked, input })
    let text = ''
    stream.on('response.output_text.delta', ({ delta }) => (text += delta))
    const streamed = await stream.finalResponse()
    expect(whole.output_text).toMatch(/\w/)
    expect([text, streamed.output_text]).toEqual([whole.output_text, whole.output_text])
    expect(streamed.usage?.output_tokens).toBe(whole.usage?.output_tokens)
  })

  test('a forced call and an answer that is held to a schema', async () => {
    const call = await client.responses.create({
      ...{ ...asked, max_output_tokens: 128, input: WEATHER_QUESTION },
      tools: [
        {
          ...{ type: 'function', name: TOOL, strict: true },
          parameters: weather.function.parameters as Record<string, unknown>,
        },
      ],
      tool_choice: 'required',
    })
    const item = call.output.find(({ type }) => type === 'function_call')
    expect(item).toMatchObject({ name: TOOL })
    WeatherSchema.parse(JSON.parse((item as { arguments: string }).arguments))
    const parsed = await client.responses.parse({
      ...{ ...asked, max_output_tokens: 128, input: FORECAST_QUESTION },
      text: { format: zodTextFormat(ForecastSchema, 'forecast') },
    })
    expect(ForecastSchema.parse(parsed.output_parsed)).toBeDefined()
  })
})

test('plain completions: lists of prompts, whole and streamed', async () => {
  const prompts = ['The law of the land', 'Pada suatu hari,']
  const whole = await client.completions.create({ ...short, prompt: prompts, max_tokens: 12 })
  const texts = ['', '']
  const stream = await client.completions.create({
    ...{ ...short, prompt: prompts, max_tokens: 12, stream: true },
  })
  for await (const { choices } of stream)
    for (const { index, text } of choices) texts[index] += text
  expect(whole.choices.map(({ text }) => text)).toEqual(texts)
  expect(texts.every((text) => text.trim() !== '')).toBe(true)
})

test('vectors, as numbers and as base 64', async () => {
  const { baseURL, apiKey, model } = inject('vectors')
  const { embeddings } = new OpenAI({ baseURL, apiKey })
  const input = [QUESTION, UNKNOWN_MODEL]
  const numbers = await embeddings.create({ model, input, encoding_format: 'float' })
  // The client asks for base 64 by itself, and reads it.
  const encoded = await embeddings.create({ model, input })
  expect(numbers.data).toHaveLength(2)
  for (const [at, { embedding }] of numbers.data.entries()) {
    expect(Math.hypot(...embedding)).toBeCloseTo(1, 4)
    embedding.forEach((value, place) =>
      expect(encoded.data[at]?.embedding[place]).toBeCloseTo(value, 6),
    )
  }
  expect(numbers.data[0]?.embedding).not.toEqual(numbers.data[1]?.embedding)
  expect(numbers.usage.prompt_tokens).toBeGreaterThan(0)
})

describe('errors are those of the client', () => {
  test('an unknown model', async () => {
    const asked = client.chat.completions.create({ model: UNKNOWN_MODEL, messages })
    await expect(asked).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    await expect(asked).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
  })

  test('a value that is wrong, whole and where a stream was wanted', async () => {
    for (const stream of [false, true]) {
      const asked = client.chat.completions.create({ model, messages, temperature: 9, stream })
      await expect(asked).rejects.toBeInstanceOf(OpenAI.BadRequestError)
      await expect(asked).rejects.toMatchObject({ code: 'invalid_value', param: 'temperature' })
    }
  })

  test('a key that is wrong', async () => {
    const asked = new OpenAI({ baseURL, apiKey: 'sk-wrong' }).models.list()
    await expect(asked).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
  })

  test('vectors of a model that makes none', async () => {
    const asked = client.embeddings.create({ model, input: QUESTION })
    await expect(asked).rejects.toBeInstanceOf(OpenAI.BadRequestError)
    await expect(asked).rejects.toMatchObject({ code: 'embeddings_not_supported' })
  })
})
