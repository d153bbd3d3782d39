import { z } from 'zod'
import { numberFrom, wholeFrom } from './numbers.ts'
import { isGiven } from './given.ts'

export const MOST_TOKENS = 2 ** 31 - 1
const MOST_STOPS = 4
const STOP_LENGTH = 256
const MOST_BIASES = 1024
/** OpenAI's. Choices of one request share its prompt, and wait like other requests. */
const MOST_CHOICES = 128

const stopRule = `a string, or a list of at most ${MOST_STOPS}, each of 1 to ${STOP_LENGTH} characters`
const StopTextSchema = z.string(stopRule).min(1, stopRule).max(STOP_LENGTH, stopRule)
const biasRule = `an object of at most ${MOST_BIASES} token ids with numbers from -100 to 100`

/** What chat and plain completions have in common. `null` means "not given", as OpenAI reads it. */
export const samplingFields = {
  model: z.string('the id of a model').min(1, 'the id of a model'),
  stream: z.boolean('true or false').nullish(),
  stream_options: z
    .object(
      {
        include_usage: z.boolean('true or false').nullish(),
        include_obfuscation: z.boolean('true or false').nullish(),
      },
      'an object',
    )
    .nullish(),
  max_tokens: wholeFrom(1, MOST_TOKENS).nullish(),
  temperature: numberFrom(0, 2).nullish(),
  top_p: numberFrom(0, 1).nullish(),
  /** As vLLM and llama-server: the most likely so many; 0 or -1: all. */
  top_k: wholeFrom(-1, MOST_TOKENS).nullish(),
  /** As vLLM and llama-server: tokens at least so likely as this share of the likeliest one. */
  min_p: numberFrom(0, 1).nullish(),
  presence_penalty: numberFrom(-2, 2).nullish(),
  frequency_penalty: numberFrom(-2, 2).nullish(),
  logit_bias: z
    .record(z.string().regex(/^\d{1,9}$/, biasRule), numberFrom(-100, 100), biasRule)
    .refine((biases) => Object.keys(biases).length <= MOST_BIASES, biasRule)
    .nullish(),
  n: wholeFrom(1, MOST_CHOICES).nullish(),
  seed: z.int('a whole number within ±2^53').nullish(),
  stop: z
    .union([StopTextSchema, z.array(StopTextSchema, stopRule).max(MOST_STOPS, stopRule)], stopRule)
    .nullish(),
  user: z.string('a string').nullish(),
  /** As vLLM and llama-server: go on past the end token, so that every answer has max_tokens. */
  ignore_eos: z.boolean('true or false').nullish(),
}

export const SamplingBodySchema = z.object(samplingFields)
export type SamplingBody = z.infer<typeof SamplingBodySchema>

/** A request as the model role works with it; defaults are OpenAI's. */
export interface Sampling {
  maxTokens: number | undefined
  temperature: number
  topP: number
  /** undefined: this service's own. 0: all tokens. */
  topK: number | undefined
  minP: number
  presencePenalty: number
  frequencyPenalty: number
  /** By token id. */
  logitBias: readonly (readonly [token: number, bias: number])[]
  /** Answers. */
  choices: number
  seed: number | undefined
  stop: readonly string[]
  ignoreEos: boolean
  stream: boolean
  includeUsage: boolean
}

export function samplingOf(body: Omit<SamplingBody, 'model'>): Sampling {
  const stop = body.stop ?? []
  return {
    maxTokens: body.max_tokens ?? undefined,
    temperature: body.temperature ?? 1,
    topP: body.top_p ?? 1,
    topK: isGiven(body.top_k) ? Math.max(0, body.top_k) : undefined,
    minP: body.min_p ?? 0,
    presencePenalty: body.presence_penalty ?? 0,
    frequencyPenalty: body.frequency_penalty ?? 0,
    logitBias: Object.entries(body.logit_bias ?? {}).map(([token, bias]) => [Number(token), bias]),
    choices: body.n ?? 1,
    seed: body.seed ?? undefined,
    stop: typeof stop === 'string' ? [stop] : stop,
    ignoreEos: body.ignore_eos ?? false,
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
  }
}
