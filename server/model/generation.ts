/** From a request of the API to what the engine is asked for. */
import type { FastifyRequest } from 'fastify'
import type { ModelConfig } from '../../catalog/serving-config.ts'
import type { AnswerPart, Engine, GenerateRequest } from '../engine/engine.ts'
import { EngineError } from '../engine/engine.ts'
import { describeValue, HttpError } from '../errors.ts'
import type { Parsed } from '../openai/parse.ts'
import type { ResponseFormat } from '../openai/response-format.ts'
import type { Sampling } from '../openai/sampling.ts'
import { parseJson } from '../plugins/json-body.ts'
import type { Caller } from '../plugins/keys.ts'
import type { Metrics } from '../plugins/metrics.ts'
import { unknownModel } from '../plugins/models-routes.ts'
import { toHttp } from './engine-errors.ts'

export interface ModelRoutesOptions {
  config: ModelConfig
  engine: Engine
  metrics: Metrics
}

/** Answers come from the base alone. */
const NO_ADAPTER = 'none'

/** The body as the route reads it. Throws HttpError. */
export function readRequest<T>(request: FastifyRequest, parse: (body: unknown) => Parsed<T>): T {
  const result = parse(parseJson(request.body))
  if (result.ok) return result.value
  const { code, param, expected, got, fix } = result.problem
  const quote = /(^|\.)(model|role|type|name|tool_choice)$/.test(param)
  throw new HttpError(code, { param, expected, got: describeValue(got, quote), fix })
}

export function checkModel(wanted: string, { model }: ModelConfig): void {
  if (wanted !== model.id) throw unknownModel(wanted, [model])
}

/** Tokens of a prompt, or why there are none: as an HttpError that names `param`. */
export async function tokensOf<T>(
  work: Promise<T>,
  param: string,
  config: ModelConfig,
): Promise<T> {
  return await work.catch((error: unknown) => {
    const tokens = error instanceof EngineError ? error.promptTokens : undefined
    if (tokens !== undefined) throw tooLong(param, config, `more than ${tokens}`)
    throw toHttp(error, config.model.id)
  })
}

export interface Wanted {
  prompt: readonly number[]
  param: string
  parts?: readonly AnswerPart[] | undefined
  topLogprobs?: number | undefined
  promptLogprobs?: number | undefined
  markers?: readonly string[]
}

/** One request to the engine for each answer that is wanted. Throws HttpError. */
export function generateRequests(
  request: FastifyRequest,
  sampling: Sampling,
  wanted: Wanted,
  config: ModelConfig,
): GenerateRequest[] {
  const { prompt, param, parts, topLogprobs, promptLogprobs, markers = [] } = wanted
  const { tenant, priority } = callerOf(request)
  // By name: a request holds more than the engine is to be sent.
  const { choices, seed, maxTokens, topK, temperature, topP, minP, stop } = sampling
  const { presencePenalty, frequencyPenalty, logitBias } = sampling
  const common = {
    ...{ temperature, topP, minP, presencePenalty, frequencyPenalty, logitBias, stop },
    ...{ prompt, markers, tenant, priority, adapter: NO_ADAPTER },
    // What it must be has an end of its own.
    ignoreEos: sampling.ignoreEos && parts === undefined,
    maxTokens: roomFor(maxTokens, prompt.length, param, config),
    ...(topK === undefined ? {} : { topK }),
    ...(parts === undefined ? {} : { parts }),
    ...(topLogprobs === undefined ? {} : { topLogprobs }),
    ...(promptLogprobs === undefined ? {} : { promptLogprobs }),
  }
  return Array.from({ length: choices }, (_, index) =>
    // Each choice is another draw, and each is the same again with the same seed.
    seed === undefined ? common : { ...common, seed: seed + index },
  )
}

/** What a response format makes of an answer; undefined: any text. */
export function partsOf(format: ResponseFormat): readonly AnswerPart[] | undefined {
  if (format.kind === 'text') return undefined
  return [{ json: format.kind === 'json_object' ? { type: 'object' } : format.schema }]
}

/** Routes of answers are never open, so there is a caller. */
function callerOf({ caller }: FastifyRequest): Caller {
  if (caller === undefined) throw new HttpError('internal_error')
  return caller
}

/** Refuses a prompt that leaves no room; never cuts it. An answer is bounded by what is left. */
function roomFor(
  wanted: number | undefined,
  promptTokens: number,
  param: string,
  config: ModelConfig,
): number {
  const room = config.model.contextSize - promptTokens
  if (promptTokens === 0) {
    const expected = 'at least one token'
    throw new HttpError('invalid_value', { param, expected, got: 'none', fix: 'send some text' })
  }
  if (room >= 1) return Math.max(1, Math.min(wanted ?? room, room))
  throw tooLong(param, config, `${promptTokens}`)
}

/** `room`: tokens that must be left beside the prompt. */
export const tooLong = (param: string, { model }: ModelConfig, got: string, room = 1) =>
  new HttpError('context_length_exceeded', {
    param,
    expected: `at most ${model.contextSize - room} prompt tokens (context of ${model.contextSize})`,
    got: `${got} prompt tokens`,
    fix: 'shorten the prompt',
  })
