import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ModelConfig } from '../../catalog/serving-config.ts'
import { EngineError } from '../engine/engine.ts'
import type { Engine, Piece } from '../engine/engine.ts'
import { describeValue, HttpError } from '../errors.ts'
import { chatFormat, completionFormat } from '../openai/answer.ts'
import type { AnswerFormat } from '../openai/answer.ts'
import { parseChatRequest } from '../openai/chat-request.ts'
import { parseCompletionRequest } from '../openai/completion-request.ts'
import type { Parsed } from '../openai/parse.ts'
import type { Sampling } from '../openai/sampling.ts'
import { SSE_CONTENT_TYPE } from '../openai/sse.ts'
import { clientGone } from '../plugins/client-gone.ts'
import type { Caller } from '../plugins/keys.ts'
import { parseJson } from '../plugins/json-body.ts'
import type { Metrics } from '../plugins/metrics.ts'
import { unknownModel } from '../plugins/models-routes.ts'
import { streamAnswer, wholeAnswer } from './answer.ts'
import { toHttp } from './engine-errors.ts'
import { measured } from './measured.ts'

export interface ModelRoutesOptions {
  config: ModelConfig
  engine: Engine
  metrics: Metrics
}

/** Answers come from the base alone. */
const NO_ADAPTER = 'none'

interface Wanted extends Sampling {
  model: string
}

interface Kind<T extends Wanted> {
  format: AnswerFormat
  promptField: string
  parse(body: unknown): Parsed<T>
  tokenize(request: T): Promise<number[]>
}

export function registerAnswerRoutes(app: FastifyInstance, options: ModelRoutesOptions): void {
  const { engine, config } = options
  const chat: Kind<Wanted & { messages: Parameters<Engine['tokenizeChat']>[0] }> = {
    format: chatFormat,
    promptField: 'messages',
    parse: parseChatRequest,
    tokenize: ({ messages }) => {
      if (!config.model.chat) throw noChat(config.model.id)
      return engine.tokenizeChat(messages)
    },
  }
  const completion: Kind<Wanted & { prompt: string | number[] }> = {
    format: completionFormat,
    promptField: 'prompt',
    parse: parseCompletionRequest,
    tokenize: ({ prompt }) => engine.tokenizePrompt(prompt),
  }
  app.post('/v1/chat/completions', (request, reply) => answer(options, chat, request, reply))
  app.post('/v1/completions', (request, reply) => answer(options, completion, request, reply))
}

async function answer<T extends Wanted>(
  options: ModelRoutesOptions,
  kind: Kind<T>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { config, engine, metrics } = options
  const arrived = performance.now()
  // Before anything is awaited: the slot must be free at the next step after the client left.
  const signal = clientGone(reply, config.limits.maxStreamMs)
  const wanted = parsed(kind.parse(parseJson(request.body)))
  if (wanted.model !== config.model.id) throw unknownModel(wanted.model, [config.model])
  const prompt = await kind.tokenize(wanted).catch((error: unknown) => {
    const tokens = error instanceof EngineError ? error.promptTokens : undefined
    if (tokens !== undefined) throw tooLong(kind.promptField, config, `more than ${tokens}`)
    throw toHttp(error, config.model.id)
  })
  const maxTokens = roomFor(wanted.maxTokens, prompt.length, kind.promptField, config)
  const { temperature, topP, seed, stop, ignoreEos } = wanted
  const { tenant, priority } = callerOf(request)
  const pieces = measured(
    engine.generate(
      {
        ...{ prompt, maxTokens, temperature, topP, stop, ignoreEos, tenant, priority },
        adapter: NO_ADAPTER,
        ...(seed === undefined ? {} : { seed }),
      },
      signal,
    ),
    { metrics, arrived, promptTokens: prompt.length, request },
  )
  // The first piece decides between an HTTP error and an answer: nothing is sent before it.
  const first = await pieces.next().catch((error: unknown) => {
    throw toHttp(error, config.model.id)
  })
  const context = {
    format: kind.format,
    model: config.model.id,
    digest: config.model.digest,
    promptTokens: prompt.length,
    includeUsage: wanted.includeUsage,
    onError: (error: unknown) => {
      const known = toHttp(error, config.model.id)
      request.errorCode = known.code
      return known.body
    },
  }
  reply.header('x-model-digest', `sha256:${config.model.digest}`)
  if (!wanted.stream) {
    return await wholeAnswer(context, chained(first, pieces)).catch((error: unknown) => {
      throw toHttp(error, config.model.id)
    })
  }
  reply.header('cache-control', 'no-cache').type(SSE_CONTENT_TYPE)
  return reply.send(Readable.from(streamAnswer(context, chained(first, pieces))))
}

/** Routes of answers are never open, so there is a caller. */
function callerOf({ caller }: FastifyRequest): Caller {
  if (caller === undefined) throw new HttpError('internal_error')
  return caller
}

function parsed<T>(result: Parsed<T>): T {
  if (result.ok) return result.value
  const { code, param, expected, got, fix } = result.problem
  const quote = /(^|\.)(model|role|type)$/.test(param)
  throw new HttpError(code, { param, expected, got: describeValue(got, quote), fix })
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
  if (room >= 1) return Math.min(wanted ?? room, room)
  throw tooLong(param, config, `${promptTokens}`)
}

const tooLong = (param: string, { model }: ModelConfig, got: string) =>
  new HttpError('context_length_exceeded', {
    param,
    expected: `at most ${model.contextSize - 1} prompt tokens (context of ${model.contextSize})`,
    got: `${got} prompt tokens`,
    fix: 'shorten the prompt',
  })

const noChat = (id: string) =>
  new HttpError('chat_not_supported', {
    param: 'model',
    expected: 'a model with a chat template',
    got: `"${id}", a base model without one`,
    fix: 'use POST /v1/completions or another model',
  })

async function* chained(
  first: IteratorResult<Piece, void>,
  rest: AsyncGenerator<Piece, void>,
): AsyncGenerator<Piece, void> {
  try {
    if (first.done === true) return
    yield first.value
    yield* rest
  } finally {
    await rest.return()
  }
}
