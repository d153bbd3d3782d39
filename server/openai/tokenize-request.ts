/** Tokens and text, as vLLM's clients and llama-server's ask for them. */
import { z } from 'zod'
import { messageOf, messagesField } from './chat-messages.ts'
import type { Message } from './chat-messages.ts'
import { parseBody } from './parse.ts'
import type { Parsed, RequestProblem } from './parse.ts'
import { toolOf, toolsField } from './tools.ts'
import type { Tool } from './tools.ts'
import { isGiven } from './given.ts'

const textRule = 'a string'
const flag = z.boolean('true or false').nullish()

/** As the document says that one of them is wanted. */
const oneOfThem = Object.entries({ prompt: 'string', content: 'string', messages: 'array' }).map(
  ([field, type]) => ({ required: [field], properties: { [field]: { type } } }),
)

const TokenizeFieldsSchema = z.object(
  {
    model: z.string('the id of a model').nullish(),
    prompt: z.string(textRule).nullish(),
    /** llama-server's name of it. */
    content: z.string(textRule).nullish(),
    messages: messagesField.nullish(),
    tools: toolsField,
    add_special_tokens: flag,
    /** llama-server's name of it. */
    add_special: flag,
    return_token_strs: flag,
    /** llama-server's name of it. */
    with_pieces: flag,
  },
  'a JSON object',
)
export const TokenizeBodySchema = TokenizeFieldsSchema.meta({ anyOf: oneOfThem })

export type TokenizeRequest = {
  model: string | undefined
  /** The text of each token beside its number. */
  withTexts: boolean
} & (
  { text: string; withStart: boolean } | { messages: readonly Message[]; tools: readonly Tool[] }
)

export function parseTokenizeRequest(body: unknown): Parsed<TokenizeRequest> {
  const parsed = parseBody(TokenizeBodySchema, body)
  if (!parsed.ok) return parsed
  const { value } = parsed
  const common = {
    model: value.model ?? undefined,
    withTexts: value.return_token_strs ?? value.with_pieces ?? false,
  }
  const text = value.prompt ?? value.content
  if (isGiven(value.messages)) {
    const tools = (value.tools ?? []).map((tool) => toolOf(tool.function))
    return { ok: true, value: { ...common, messages: value.messages.map(messageOf), tools } }
  }
  if (!isGiven(text)) return { ok: false, problem: NO_TEXT }
  // vLLM puts the model's first token before a text unless told not to; llama-server does when told to.
  const withStart = value.add_special_tokens ?? value.add_special ?? !isGiven(value.content)
  return { ok: true, value: { ...common, text, withStart } }
}

const NO_TEXT: RequestProblem = {
  code: 'missing_required_parameter',
  param: 'prompt',
  expected: 'a string, or "messages"',
  got: undefined,
  fix: 'add the field "prompt" or "messages"',
}

export const DetokenizeBodySchema = z.object(
  {
    model: z.string('the id of a model').nullish(),
    tokens: z.array(
      z.int('a list of token ids').min(0, 'a list of token ids'),
      'a list of token ids',
    ),
  },
  'a JSON object',
)

export interface DetokenizeRequest {
  model: string | undefined
  tokens: readonly number[]
}

export function parseDetokenizeRequest(body: unknown): Parsed<DetokenizeRequest> {
  const parsed = parseBody(DetokenizeBodySchema, body)
  if (!parsed.ok) return parsed
  return {
    ok: true,
    value: { model: parsed.value.model ?? undefined, tokens: parsed.value.tokens },
  }
}

/** Both servers' fields. */
export const tokenizedBody = (
  tokens: readonly number[],
  contextSize: number,
  texts: readonly string[] | undefined,
) => ({
  ...{ count: tokens.length, max_model_len: contextSize, tokens },
  token_strs: texts ?? null,
})

export const detokenizedBody = (text: string) => ({ prompt: text, content: text })
