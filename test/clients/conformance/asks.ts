/**
 * One request for every kind of answer that the service gives. Sampled, with a seed: the same request has
 * the same answer again, whole or streamed, and whoever else is served.
 */
import { z } from 'zod'
import {
  ABOUT_TOOL,
  FORECAST_QUESTION,
  ForecastSchema,
  QUESTION,
  TOOL,
  WEATHER_QUESTION,
  WeatherSchema,
} from '../questions.ts'

export const ROUTES = ['/chat/completions', '/completions', '/responses'] as const
export type Route = (typeof ROUTES)[number]

export interface Ask {
  name: string
  route: Route
  /** All but the model, and whether it is streamed. */
  body: Readonly<Record<string, unknown>>
  /** Where it is streamed: whether the usage is told at the end; undefined: it always is. */
  usage?: boolean
}

const sampled = { temperature: 0.8, seed: 7 }
const told = [{ role: 'user', content: QUESTION }]
const asked = (content: string) => [{ role: 'user', content }]
/** Tokens of it are parts of characters. */
const MANY_BYTES = 'Tulis tiga emoji: 🌧️ 🌴 🇲🇾 สวัสดี'

const parameters = z.toJSONSchema(WeatherSchema)
const weather = { name: TOOL, description: ABOUT_TOOL, parameters }
const time = { name: 'get_time', description: 'The time in a city now', parameters }
const inChat = (...functions: object[]) =>
  functions.map((each) => ({ type: 'function', function: each }))
const inResponse = (...functions: object[]) =>
  functions.map((each) => ({ type: 'function', strict: true, ...each }))
const schema = { name: 'forecast', strict: true, schema: z.toJSONSchema(ForecastSchema) }

const chat = (name: string, more: object, usage = true): Ask => ({
  ...{ name: `chat, ${name}`, route: '/chat/completions', usage },
  body: { ...sampled, messages: told, max_tokens: 24, ...more },
})
const completion = (name: string, more: object, usage = true): Ask => ({
  ...{ name: `completion, ${name}`, route: '/completions', usage },
  body: { ...sampled, prompt: 'The law of the land', max_tokens: 16, ...more },
})
const response = (name: string, more: object): Ask => ({
  ...{ name: `response, ${name}`, route: '/responses' },
  body: { ...sampled, input: QUESTION, max_output_tokens: 24, ...more },
})

const CALL = { id: 'call_1', name: TOOL, arguments: '{"city":"Jakarta","unit":"celsius"}' }

const CHATS: readonly Ask[] = [
  chat('text', {}),
  chat('text, no usage told', {}, false),
  chat('the length is reached', { max_tokens: 3 }),
  chat('several roles, parts of text', {
    messages: [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'Name a fruit.' }] },
      { role: 'assistant', content: 'Durian.' },
      { role: 'user', content: 'Another one?', name: 'Aminah' },
    ],
  }),
  chat('characters of many bytes, log probabilities', {
    ...{ messages: asked(MANY_BYTES), logprobs: true, top_logprobs: 3 },
  }),
  chat('two answers, log probabilities', { n: 2, logprobs: true, max_tokens: 12 }),
  chat('a stop string', { messages: asked('Count: 1, 2, 3'), stop: [',', ' the'], max_tokens: 48 }),
  chat('a stop string, log probabilities', { stop: 'is', logprobs: true, top_logprobs: 1 }),
  chat('other settings of sampling', {
    ...{ top_p: 0.9, top_k: 20, min_p: 0.02, presence_penalty: 0.5, frequency_penalty: 0.5 },
    ...{ logit_bias: { 28: -100 }, ignore_eos: true },
  }),
  chat('a tool that may be called', {
    ...{ messages: asked(WEATHER_QUESTION), tools: inChat(weather), max_tokens: 48 },
  }),
  chat('a tool that must be called', {
    ...{ messages: asked(WEATHER_QUESTION), tools: inChat(weather), max_tokens: 128 },
    ...{ tool_choice: { type: 'function', function: { name: TOOL } }, logprobs: true },
  }),
  chat('tools of which some must be called', {
    ...{ messages: asked(WEATHER_QUESTION), tools: inChat(weather, time), max_tokens: 160 },
    ...{ tool_choice: 'required', parallel_tool_calls: true, n: 2 },
  }),
  chat('the result of a call', {
    messages: [
      ...asked(WEATHER_QUESTION),
      {
        ...{ role: 'assistant', content: null },
        tool_calls: [
          {
            ...{ id: CALL.id, type: 'function' },
            function: { name: TOOL, arguments: CALL.arguments },
          },
        ],
      },
      { role: 'tool', tool_call_id: CALL.id, content: '31 degrees' },
    ],
    ...{ tools: inChat(weather), tool_choice: 'none' },
  }),
  chat('JSON by a schema', {
    ...{ messages: asked(FORECAST_QUESTION), max_tokens: 128, n: 2 },
    response_format: { type: 'json_schema', json_schema: schema },
  }),
  chat('any JSON object', {
    ...{ messages: asked('Name a fruit as JSON: {"fruit": ...}'), max_tokens: 48 },
    response_format: { type: 'json_object' },
  }),
]

const COMPLETIONS: readonly Ask[] = [
  completion('text', {}),
  completion('text, no usage told', {}, false),
  completion('several prompts, two answers each', {
    ...{ prompt: ['The law of the land', 'Pada suatu hari,'], n: 2, max_tokens: 8 },
  }),
  completion('tokens as a prompt, with the prompt', { prompt: [504, 2449, 282], echo: true }),
  completion('with the prompt, log probabilities', { echo: true, logprobs: 2, max_tokens: 6 }),
  completion('nothing but the prompt, log probabilities', {
    ...{ echo: true, logprobs: 0, max_tokens: 0 },
  }),
  completion('characters of many bytes, log probabilities', {
    ...{ prompt: MANY_BYTES, echo: true, logprobs: 1 },
  }),
  completion('a stop string, log probabilities', { stop: [' the', '.'], logprobs: 1 }),
  completion('JSON by a schema', {
    ...{ prompt: FORECAST_QUESTION, max_tokens: 128 },
    response_format: { type: 'json_schema', json_schema: schema },
  }),
]

const RESPONSES: readonly Ask[] = [
  response('text', { instructions: 'Be brief.', metadata: { case: '12' } }),
  response('the length is reached', { max_output_tokens: 3, reasoning: { effort: 'low' } }),
  response('items', {
    input: [
      { role: 'user', content: [{ type: 'input_text', text: WEATHER_QUESTION }] },
      { type: 'function_call', call_id: CALL.id, name: TOOL, arguments: CALL.arguments },
      { type: 'function_call_output', call_id: CALL.id, output: '31 degrees' },
    ],
    ...{ tools: inResponse(weather), tool_choice: 'none' },
  }),
  response('a tool that may be called', {
    ...{ input: WEATHER_QUESTION, max_output_tokens: 48 },
    ...{ tools: [{ type: 'function', name: TOOL }], parallel_tool_calls: false },
  }),
  response('a tool that must be called', {
    ...{ input: WEATHER_QUESTION, max_output_tokens: 128 },
    ...{ tools: inResponse(weather, time), tool_choice: { type: 'function', name: TOOL } },
  }),
  response('tools of which some must be called', {
    ...{ input: WEATHER_QUESTION, max_output_tokens: 160 },
    ...{ tools: inResponse(weather, time), tool_choice: 'required' },
  }),
  response('JSON by a schema', {
    ...{ input: FORECAST_QUESTION, max_output_tokens: 128 },
    text: { format: { type: 'json_schema', ...schema } },
  }),
  response('any JSON object', {
    ...{ input: 'Name a fruit as JSON: {"fruit": ...}', max_output_tokens: 48 },
    text: { format: { type: 'json_object' } },
  }),
]

export const ASKS: readonly Ask[] = [...CHATS, ...COMPLETIONS, ...RESPONSES]
