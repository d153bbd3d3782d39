import { z } from 'zod'
import { wholeFrom } from './numbers.ts'
import { parseBody } from './parse.ts'
import type { Parsed } from './parse.ts'
import { formatFields, responseFormatOf } from './response-format.ts'
import type { ResponseFormat } from './response-format.ts'
import { MOST_TOKENS, samplingFields, samplingOf } from './sampling.ts'
import type { Sampling } from './sampling.ts'
import { findUnsupported } from './unsupported.ts'

/** OpenAI's default for this route. */
const DEFAULT_MAX_TOKENS = 16
const MOST_PROMPTS = 128
/** OpenAI's bound is 5; evaluation harnesses ask for more. */
const MOST_TOP_LOGPROBS = 20

const promptRule = `a non-empty string or list of token ids, or a list of at most ${MOST_PROMPTS} of them`
const TextSchema = z.string(promptRule).min(1, promptRule)
const TokensSchema = z.array(z.int(promptRule).min(0, promptRule), promptRule).min(1, promptRule)

/** One prompt or many: text, or token ids as they are. */
export const promptsField = z.union(
  [
    TextSchema,
    TokensSchema,
    z.array(TextSchema).min(1).max(MOST_PROMPTS),
    z.array(TokensSchema).min(1).max(MOST_PROMPTS),
  ],
  promptRule,
)

export type Prompt = string | readonly number[]

export function promptsOf(prompts: z.infer<typeof promptsField>): readonly Prompt[] {
  if (typeof prompts === 'string') return [prompts]
  return typeof prompts[0] === 'number' ? [prompts as number[]] : (prompts as string[] | number[][])
}

export const CompletionBodySchema = z.object(
  {
    ...samplingFields,
    /** 0, as evaluation harnesses ask: nothing but the prompt's own log probabilities, with "echo". */
    max_tokens: wholeFrom(0, MOST_TOKENS).nullish(),
    prompt: promptsField,
    echo: z.boolean('true or false').nullish(),
    logprobs: wholeFrom(0, MOST_TOP_LOGPROBS).nullish(),
    // As vLLM and llama-server take them on this route.
    ...formatFields,
  },
  'a JSON object',
)

export interface CompletionRequest extends Sampling {
  model: string
  /** Nothing is put before token ids. */
  prompts: readonly Prompt[]
  /** The answer begins with the prompt. */
  echo: boolean
  /** Of each token, so many likely others; undefined: none are told. */
  topLogprobs: number | undefined
  responseFormat: ResponseFormat
}

export function parseCompletionRequest(body: unknown): Parsed<CompletionRequest> {
  const parsed = parseBody(CompletionBodySchema, body)
  if (!parsed.ok) return parsed
  const problem = findUnsupported(body)
  if (problem !== undefined) return { ok: false, problem }
  const { value } = parsed
  const echo = value.echo ?? false
  if (value.max_tokens === 0 && !echo) {
    const expected = 'at least 1, or 0 together with "echo"'
    const fix = 'ask for a token, or set "echo" to true'
    const problem = { code: 'invalid_value', param: 'max_tokens', expected, got: 0, fix } as const
    return { ok: false, problem }
  }
  return {
    ok: true,
    value: {
      ...samplingOf(value),
      maxTokens: value.max_tokens ?? DEFAULT_MAX_TOKENS,
      model: value.model,
      prompts: promptsOf(value.prompt),
      echo,
      topLogprobs: value.logprobs ?? undefined,
      responseFormat: responseFormatOf(value),
    },
  }
}
