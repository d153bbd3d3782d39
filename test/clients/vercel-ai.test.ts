import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import {
  APICallError,
  Output,
  embed,
  embedMany,
  generateText,
  isStepCount,
  streamText,
  tool,
} from 'ai'
import type { LanguageModel } from 'ai'
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

// docs: @ai-sdk/openai-compatible
const serantau = createOpenAICompatible({
  ...{ name: 'serantau', baseURL, apiKey },
  includeUsage: true,
  supportsStructuredOutputs: true,
})
// docs: end

// docs: @ai-sdk/openai
const openai = createOpenAI({ baseURL, apiKey })
// Nothing is stored: a conversation is sent whole.
const providerOptions = { openai: { store: false } }
// docs: end

const WAYS: readonly (readonly [name: string, of: (id: string) => LanguageModel])[] = [
  ['@ai-sdk/openai-compatible', (id) => serantau(id)],
  ['@ai-sdk/openai, responses (its default)', (id) => openai(id)],
  ['@ai-sdk/openai, chat', (id) => openai.chat(id)],
]

const greedy = { temperature: 0, maxRetries: 0, providerOptions }
const short = { ...greedy, maxOutputTokens: 24 }
const weather = tool({ description: ABOUT_TOOL, inputSchema: WeatherSchema })
const forced = {
  ...{ ...greedy, maxOutputTokens: 128, prompt: WEATHER_QUESTION },
  tools: { [TOOL]: weather },
  toolChoice: { type: 'tool', toolName: TOOL } as const,
}

describe.each(WAYS)('%s', (_, of) => {
  const served = of(model)

  test('whole and streamed are the same text, with the same usage', async () => {
    const asked = { ...short, model: served, prompt: QUESTION }
    const whole = await generateText(asked)
    const streamed = streamText(asked)
    let text = ''
    for await (const part of streamed.textStream) text += part
    expect(whole.text).toMatch(/\w/)
    expect(text).toBe(whole.text)
    expect((await streamed.usage).outputTokens).toBe(whole.usage.outputTokens)
    expect(whole.usage.inputTokens).toBeGreaterThan(0)
  })

  test('a forced call has the arguments of the schema, whole and streamed', async () => {
    const whole = await generateText({ ...forced, model: served })
    const streamed = streamText({ ...forced, model: served })
    for (const calls of [whole.toolCalls, await streamed.toolCalls]) {
      expect(calls[0]?.toolName).toBe(TOOL)
      WeatherSchema.parse(calls[0]?.input)
    }
    expect(whole.finishReason).toBe('tool-calls')
  })

  test('a call, its result and the next answer make one conversation', async () => {
    const ran: unknown[] = []
    const result = await generateText({
      ...{ ...short, maxOutputTokens: 128, model: served, prompt: WEATHER_QUESTION },
      tools: {
        [TOOL]: tool({
          ...{ description: ABOUT_TOOL, inputSchema: WeatherSchema },
          execute: async (input) => {
            ran.push(input)
            return '31 degrees'
          },
        }),
      },
      stopWhen: isStepCount(2),
      prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? 'required' : 'none' }),
    })
    expect(ran.length).toBeGreaterThan(0)
    expect(result.steps).toHaveLength(2)
    expect(result.steps[0]?.toolResults).toHaveLength(ran.length)
    expect(result.steps[1]?.toolCalls).toEqual([])
  })

  test('an answer is held to a schema, whole and streamed', async () => {
    const asked = {
      ...{ ...greedy, maxOutputTokens: 128, model: served, prompt: FORECAST_QUESTION },
      output: Output.object({ schema: ForecastSchema }),
    }
    const whole = await generateText(asked)
    expect(ForecastSchema.parse(whole.output)).toBeDefined()
    expect(await streamText(asked).output).toEqual(whole.output)
  })

  test('an earlier answer is sent back as a message', async () => {
    const first = await generateText({ ...short, model: served, prompt: QUESTION })
    const second = await generateText({
      ...{ ...short, model: served },
      messages: [
        { role: 'user', content: QUESTION },
        ...first.response.messages,
        { role: 'user', content: 'And of Thailand?' },
      ],
    })
    expect(second.usage.inputTokens).toBeGreaterThan(first.usage.inputTokens!)
  })

  test('an unknown model and a wrong value are errors of the call with their status', async () => {
    const statusOf = async (answer: PromiseLike<unknown>) => {
      const error: unknown = await Promise.resolve(answer).catch((thrown: unknown) => thrown)
      expect(APICallError.isInstance(error)).toBe(true)
      return (error as APICallError).statusCode
    }
    const prompt = QUESTION
    expect(await statusOf(generateText({ ...greedy, model: of(UNKNOWN_MODEL), prompt }))).toBe(404)
    expect(await statusOf(generateText({ ...short, model: served, prompt, temperature: 9 }))).toBe(
      400,
    )
  })
})

test('@ai-sdk/openai, told to store: what it refers to is not there, and the error says what to do', async () => {
  const stored = { ...short, model: openai(model), providerOptions: {} }
  const first = await generateText({ ...stored, prompt: QUESTION })
  const asked = generateText({
    ...stored,
    messages: [
      { role: 'user', content: QUESTION },
      ...first.response.messages,
      { role: 'user', content: 'And of Thailand?' },
    ],
  })
  await expect(asked).rejects.toMatchObject({
    ...{ statusCode: 400, message: expect.stringContaining('"store": false') },
  })
})

const vectors = inject('vectors')
test.each([
  [
    '@ai-sdk/openai-compatible',
    createOpenAICompatible({ name: 'serantau', ...vectors }).embeddingModel(vectors.model),
  ],
  ['@ai-sdk/openai', createOpenAI(vectors).embeddingModel(vectors.model)],
])('%s: vectors of several texts', async (_, embedding) => {
  const values = [QUESTION, FORECAST_QUESTION]
  const { embeddings, usage } = await embedMany({ model: embedding, values, maxRetries: 0 })
  expect(embeddings).toHaveLength(2)
  for (const each of embeddings) expect(Math.hypot(...each)).toBeCloseTo(1, 4)
  expect(embeddings[0]).not.toEqual(embeddings[1])
  expect(usage.tokens).toBeGreaterThan(0)
})

test.each([
  ['@ai-sdk/openai-compatible', serantau.embeddingModel(model)],
  ['@ai-sdk/openai', openai.embeddingModel(model)],
])('%s: vectors of a model that makes none', async (_, embedding) => {
  const asked = embed({ model: embedding, value: QUESTION, maxRetries: 0 })
  await expect(asked).rejects.toMatchObject({
    statusCode: 400,
    data: { error: { code: 'embeddings_not_supported' } },
  })
})
