/** The API as OpenAPI 3.1: bodies as their zod schemas have them, answers as they are written. */
import { z } from 'zod'
import { ChatBodySchema } from './chat-request.ts'
import { CompletionBodySchema } from './completion-request.ts'
import { EmbeddingsBodySchema } from './embeddings-request.ts'
import { ResponsesBodySchema } from './responses-request.ts'
import { DetokenizeBodySchema, TokenizeBodySchema } from './tokenize-request.ts'

type Json = Readonly<Record<string, unknown>>

export interface Operation {
  method: 'get' | 'post'
  path: string
  summary: string
  body?: z.ZodType
  /** Name of the schema of the answer, among `ANSWERS`. */
  answer: keyof typeof ANSWERS
  /** Name of the schema of a streamed event. */
  event?: keyof typeof ANSWERS
  parameters?: readonly Json[]
}

const text = { type: 'string' }
const whole = { type: 'integer' }
const list = (items: Json) => ({ type: 'array', items })
const exactly = (value: string) => ({ const: value })
const object = (properties: Json, required = Object.keys(properties)) => ({
  ...{ type: 'object', properties, required },
})
const nullable = (schema: Json) => ({ anyOf: [schema, { type: 'null' }] })
const named = (name: string) => ({ $ref: `#/components/schemas/${name}` })

const usage = object({ prompt_tokens: whole, completion_tokens: whole, total_tokens: whole })
const call = object({
  ...{ id: text, type: exactly('function') },
  function: object({ name: text, arguments: text }),
})
const head = (name: string) => ({
  ...{ id: text, object: exactly(name), created: whole, model: text, system_fingerprint: text },
})
const model = object({
  ...{ id: text, object: exactly('model'), created: whole, owned_by: text },
  ...{ digest: text, licence: text },
})

/** What is answered, by name. */
const ANSWERS = {
  ChatCompletion: object({
    ...head('chat.completion'),
    choices: list(
      object({
        index: whole,
        message: object(
          {
            ...{ role: exactly('assistant'), content: nullable(text), refusal: nullable(text) },
            ...{ reasoning_content: text, tool_calls: list(call) },
          },
          ['role', 'content'],
        ),
        logprobs: nullable({ type: 'object' }),
        finish_reason: { enum: ['stop', 'length', 'tool_calls'] },
      }),
    ),
    usage,
  }),
  ChatCompletionChunk: object(
    {
      ...head('chat.completion.chunk'),
      choices: list(object({ index: whole, delta: { type: 'object' } })),
      usage: nullable(usage),
    },
    ['id', 'object', 'created', 'model', 'choices'],
  ),
  Completion: object(
    {
      ...head('text_completion'),
      choices: list(
        object({
          ...{ index: whole, text, logprobs: nullable({ type: 'object' }) },
          finish_reason: { enum: ['stop', 'length', null] },
        }),
      ),
      usage: nullable(usage),
    },
    ['id', 'object', 'created', 'model', 'choices'],
  ),
  Embeddings: object({
    ...{ object: exactly('list'), model: text },
    data: list(
      object({
        ...{ object: exactly('embedding'), index: whole },
        embedding: { anyOf: [list({ type: 'number' }), text] },
      }),
    ),
    usage: object({ prompt_tokens: whole, total_tokens: whole }),
  }),
  Response: object({
    ...{ id: text, object: exactly('response'), created_at: whole, model: text },
    status: { enum: ['in_progress', 'completed', 'incomplete', 'failed'] },
    output: list(object({ id: text, type: text })),
  }),
  ResponseEvent: object({ type: text, sequence_number: whole }),
  Model: model,
  Models: object({ object: exactly('list'), data: list(model) }),
  Tokenized: object({
    ...{ count: whole, max_model_len: whole, tokens: list(whole) },
    token_strs: nullable(list(text)),
  }),
  Detokenized: object({ prompt: text, content: text }),
  TokenizerInfo: object({
    ...{ tokenizer_class: text, model_max_length: whole, vocab_size: whole },
    ...{ bos_token: nullable(text), eos_token: nullable(text), chat_template: nullable(text) },
  }),
  OpenAPI: { type: 'object' },
  Page: text,
} satisfies Record<string, Json>

const modelParameter = { name: 'id', in: 'path', required: true, schema: text }

/** Every route that a client may ask, in the order of the reference. */
export const OPERATIONS: readonly Operation[] = [
  {
    ...{ method: 'post', path: '/v1/chat/completions', summary: 'An answer to a chat' },
    ...{ body: ChatBodySchema, answer: 'ChatCompletion', event: 'ChatCompletionChunk' },
  },
  {
    ...{ method: 'post', path: '/v1/completions', summary: 'What follows a text' },
    ...{ body: CompletionBodySchema, answer: 'Completion', event: 'Completion' },
  },
  {
    ...{ method: 'post', path: '/v1/responses', summary: 'An answer as items' },
    ...{ body: ResponsesBodySchema, answer: 'Response', event: 'ResponseEvent' },
  },
  {
    ...{ method: 'post', path: '/v1/embeddings', summary: 'Vectors of texts' },
    ...{ body: EmbeddingsBodySchema, answer: 'Embeddings' },
  },
  { method: 'get', path: '/v1/models', summary: 'The models that are served', answer: 'Models' },
  {
    ...{ method: 'get', path: '/v1/models/{id}', summary: 'One of them', answer: 'Model' },
    parameters: [modelParameter],
  },
  {
    ...{ method: 'post', path: '/tokenize', summary: 'Tokens of a text or a chat' },
    ...{ body: TokenizeBodySchema, answer: 'Tokenized' },
  },
  {
    ...{ method: 'post', path: '/detokenize', summary: 'The text of tokens' },
    ...{ body: DetokenizeBodySchema, answer: 'Detokenized' },
  },
  {
    ...{ method: 'get', path: '/tokenizer_info', summary: 'What the tokenizer is' },
    answer: 'TokenizerInfo',
    parameters: [{ name: 'model', in: 'query', required: false, schema: text }],
  },
]

const errorOf = (codes: readonly string[]) =>
  object({
    error: object({
      ...{ message: text, type: text, param: nullable(text) },
      code: { enum: codes },
    }),
  })

/** Status of each error, by its code. */
type Errors = Readonly<Record<string, { readonly status: number }>>

/** Of errors that nobody reads: the client left. */
const LEFT = 499

/** Each status, with the codes that it comes with. */
function errorResponses(errors: Errors): Record<string, Json> {
  const statuses = Map.groupBy(Object.keys(errors), (code) => errors[code]!.status)
  statuses.delete(LEFT)
  return Object.fromEntries(
    [...statuses].map(([status, codes]) => [
      status,
      {
        description: codes.join(', '),
        content: { 'application/json': { schema: errorOf(codes) } },
      },
    ]),
  )
}

/** The document that the service serves and the reference is generated from. */
export function openapiDocument(errors: Errors): Json {
  const paths: Record<string, Record<string, Json>> = {}
  const responses = errorResponses(errors)
  for (const operation of OPERATIONS) {
    const known = (paths[operation.path] ??= {})
    known[operation.method] = operationBody(operation, Object.keys(responses))
  }
  return {
    openapi: '3.1.0',
    info: {
      ...{ title: 'Serantau', version: '1' },
      description:
        'OpenAI-compatible API of a model inside your own borders. Unknown fields are ignored; known ones that are not supported are refused by name.',
    },
    paths,
    security: [{ key: [] }],
    components: {
      schemas: { ...ANSWERS, Error: errorOf(Object.keys(errors)) },
      responses,
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
    },
  }
}

/** `failures`: statuses of errors. */
function operationBody(operation: Operation, failures: readonly string[]): Json {
  const { summary, body, answer, event, parameters } = operation
  const json = { 'application/json': { schema: named(answer) } }
  const events = event && { 'text/event-stream': { schema: named(event) } }
  return {
    summary,
    operationId: summary.toLowerCase().replaceAll(/[^a-z]+/g, '-'),
    ...(parameters === undefined ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            ...{ required: true, content: { 'application/json': { schema: schemaOf(body) } } },
          },
        }),
    responses: {
      200: { description: 'The answer', content: { ...json, ...events } },
      ...Object.fromEntries(
        failures.map((status) => [status, { $ref: `#/components/responses/${status}` }]),
      ),
    },
  }
}

function schemaOf(body: z.ZodType): Json {
  const { $schema: _, ...schema } = z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' })
  return schema
}
