import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages'
import type { AIMessageChunk } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI, OpenAI, OpenAIEmbeddings } from '@langchain/openai'
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

// docs: @langchain/openai
const chat = new ChatOpenAI({ model, apiKey, configuration: { baseURL }, temperature: 0 })
// docs: end

const common = { model, apiKey, configuration: { baseURL }, temperature: 0, maxRetries: 0 }
const WAYS = [
  ['chat', {}],
  ['responses', { useResponsesApi: true }],
] as const

const weather = tool(() => '31 degrees', {
  ...{ name: TOOL, description: ABOUT_TOOL, schema: WeatherSchema },
})

async function joined(chunks: AsyncIterable<AIMessageChunk>): Promise<AIMessageChunk> {
  let whole: AIMessageChunk | undefined
  for await (const chunk of chunks) whole = whole === undefined ? chunk : whole.concat(chunk)
  return whole!
}

test('answers as its documentation says', async () => {
  expect((await chat.invoke(QUESTION, {})).text).toMatch(/\w/)
})

describe.each(WAYS)('%s', (_, more) => {
  const short = new ChatOpenAI({ ...common, ...more, maxTokens: 24 })
  const longer = new ChatOpenAI({ ...common, ...more, maxTokens: 128 })

  test('whole and streamed are the same text, with the same usage', async () => {
    const whole = await short.invoke(QUESTION)
    const streamed = await joined(await short.stream(QUESTION))
    expect(whole.text).toMatch(/\w/)
    expect(streamed.text).toBe(whole.text)
    expect(streamed.usage_metadata?.output_tokens).toBe(whole.usage_metadata?.output_tokens)
    expect(whole.usage_metadata?.input_tokens).toBeGreaterThan(0)
  })

  test('a forced call has the arguments of the schema, and its result is answered', async () => {
    const withTools = longer.bindTools([weather], { tool_choice: TOOL })
    const whole = await withTools.invoke(WEATHER_QUESTION)
    const streamed = await joined(await withTools.stream(WEATHER_QUESTION))
    for (const { tool_calls: calls } of [whole, streamed]) {
      expect(calls?.[0]?.name).toBe(TOOL)
      WeatherSchema.parse(calls?.[0]?.args)
    }
    const result = new ToolMessage({ tool_call_id: whole.tool_calls![0]!.id!, content: '31' })
    const conversation = [new HumanMessage(WEATHER_QUESTION), whole, result]
    const answer = await short.bindTools([weather], { tool_choice: 'none' }).invoke(conversation)
    expect(answer).toBeInstanceOf(AIMessage)
    expect(answer.tool_calls).toEqual([])
  })

  test.each(['jsonSchema', 'functionCalling'] as const)(
    'an answer is held to a schema by %s',
    async (method) => {
      const structured = longer.withStructuredOutput(ForecastSchema, { method, name: 'forecast' })
      expect(ForecastSchema.parse(await structured.invoke(FORECAST_QUESTION))).toBeDefined()
    },
  )

  test('an unknown model and a wrong value are errors with their status', async () => {
    const unknown = new ChatOpenAI({ ...common, ...more, model: UNKNOWN_MODEL })
    await expect(unknown.invoke(QUESTION)).rejects.toMatchObject({ status: 404 })
    const wrong = new ChatOpenAI({ ...common, ...more, temperature: 9 })
    await expect(wrong.invoke(QUESTION)).rejects.toMatchObject({ status: 400 })
  })
})

test('plain completions', async () => {
  const plain = new OpenAI({ ...common, maxTokens: 12 })
  expect(await plain.invoke('The law of the land')).toMatch(/\w/)
})

test('vectors of several texts and of one', async () => {
  const { baseURL, apiKey, model } = inject('vectors')
  const embeddings = new OpenAIEmbeddings({ model, apiKey, configuration: { baseURL } })
  const [first, second] = await embeddings.embedDocuments([QUESTION, FORECAST_QUESTION])
  const alone = await embeddings.embedQuery(QUESTION)
  expect(Math.hypot(...first!)).toBeCloseTo(1, 4)
  alone.forEach((value, at) => expect(value).toBeCloseTo(first![at]!, 5))
  expect(second).not.toEqual(first)
})

test('vectors of a model that makes none', async () => {
  const { temperature: _, ...rest } = common
  const embeddings = new OpenAIEmbeddings(rest)
  await expect(embeddings.embedQuery(QUESTION)).rejects.toMatchObject({
    ...{ status: 400, code: 'embeddings_not_supported' },
  })
})
