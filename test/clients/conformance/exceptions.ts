import type { Kind } from './kinds.ts'
import type { Json } from './openapi-schemas.ts'

/** Where OpenAI's document says less than its service gives: a place, and what else may stand there. */
export interface Exception {
  kind: Kind
  /** Behind `#/components/schemas/`. */
  at: string
  also: Json
  reason: string
  /** What the document as it is says of an answer that needs this. */
  refusal: RegExp
}

const CHOICE = 'CreateCompletionResponse/properties/choices/items/properties'
const nothing = { type: 'null' }

/** Of a token each: what the document has them be. */
const LISTS = {
  token_logprobs: { type: 'number' },
  top_logprobs: { type: 'object', additionalProperties: { type: 'number' } },
}

/** Of the first token of a prompt: there is nothing before it that it could be likely after. */
const firstToken = (kind: Kind): Exception[] =>
  Object.entries(LISTS).map(([list, items]) => ({
    ...{ kind, at: `${CHOICE}/logprobs/anyOf/0/properties/${list}` },
    also: { type: 'array', prefixItems: [nothing], items },
    reason: 'with "echo" the first token of the prompt has no probability, and OpenAI sends null',
    refusal: new RegExp(String.raw`^/choices/\d+/logprobs/${list}/0 must be`),
  }))

export const EXCEPTIONS: readonly Exception[] = [
  ...firstToken('completion'),
  ...firstToken('chunk of a completion'),
  {
    ...{ kind: 'chunk of a completion', at: `${CHOICE}/finish_reason`, also: nothing },
    reason: 'before its last chunk a choice has no end, and OpenAI sends null',
    refusal: /^\/choices\/\d+\/finish_reason must be/,
  },
  {
    ...{ kind: 'chunk of a completion', at: 'CreateCompletionResponse/properties/usage' },
    also: nothing,
    reason:
      'with "include_usage" all chunks but the last have null, as ChatCompletionStreamOptions says',
    refusal: /^\/usage must be object/,
  },
  {
    ...{ kind: 'embeddings', at: 'Embedding/properties/embedding', also: { type: 'string' } },
    reason: 'with "encoding_format" base64 a vector is a string',
    refusal: /^\/data\/\d+\/embedding must be array/,
  },
]
