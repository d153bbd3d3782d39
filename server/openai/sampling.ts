import { z } from 'zod'

const range = (from: number, to: number) => z.number(`a number from ${from} to ${to}`)
const number = (from: number, to: number) =>
  range(from, to)
    .min(from, `a number from ${from} to ${to}`)
    .max(to, `a number from ${from} to ${to}`)
const count = (most: number) => {
  const rule = `a whole number from 1 to ${most}`
  return z.int(rule).min(1, rule).max(most, rule)
}
const MAX_TOKENS = 2 ** 31 - 1
const MAX_STOPS = 4
const STOP_LENGTH = 256

const stopRule = `a string, or a list of at most ${MAX_STOPS}, each of 1 to ${STOP_LENGTH} characters`
const StopTextSchema = z.string(stopRule).min(1, stopRule).max(STOP_LENGTH, stopRule)

/** What chat and plain completions have in common. `null` means "not given", as OpenAI reads it. */
export const samplingFields = {
  model: z.string('the id of a model').min(1, 'the id of a model'),
  stream: z.boolean('true or false').nullish(),
  stream_options: z
    .object({ include_usage: z.boolean('true or false').nullish() }, 'an object')
    .nullish(),
  max_tokens: count(MAX_TOKENS).nullish(),
  temperature: number(0, 2).nullish(),
  top_p: number(0, 1).nullish(),
  seed: z.int('a whole number within ±2^53').nullish(),
  stop: z
    .union([StopTextSchema, z.array(StopTextSchema, stopRule).max(MAX_STOPS, stopRule)], stopRule)
    .nullish(),
  user: z.string('a string').nullish(),
  /** As vLLM and llama-server: go on past the end token, so that every answer has max_tokens. */
  ignore_eos: z.boolean('true or false').nullish(),
}

interface SamplingBody {
  max_tokens?: number | null | undefined
  max_completion_tokens?: number | null | undefined
  temperature?: number | null | undefined
  top_p?: number | null | undefined
  seed?: number | null | undefined
  stop?: string | string[] | null | undefined
  ignore_eos?: boolean | null | undefined
  stream?: boolean | null | undefined
  stream_options?: { include_usage?: boolean | null | undefined } | null | undefined
}

/** A request as the model role works with it; defaults are OpenAI's. */
export interface Sampling {
  maxTokens: number | undefined
  temperature: number
  topP: number
  seed: number | undefined
  stop: string[]
  ignoreEos: boolean
  stream: boolean
  includeUsage: boolean
}

export function samplingOf(body: SamplingBody): Sampling {
  const stop = body.stop ?? []
  return {
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
    temperature: body.temperature ?? 1,
    topP: body.top_p ?? 1,
    seed: body.seed ?? undefined,
    stop: typeof stop === 'string' ? [stop] : stop,
    ignoreEos: body.ignore_eos ?? false,
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
  }
}

export const maxCompletionTokens = count(MAX_TOKENS).nullish()
