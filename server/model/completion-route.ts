import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GenerateRequest, Piece, TokenLikelihood } from '../engine/engine.ts'
import { completionBody } from '../openai/completion-answer.ts'
import type { CompletionPart } from '../openai/completion-answer.ts'
import { parseCompletionRequest } from '../openai/completion-request.ts'
import type { CompletionRequest } from '../openai/completion-request.ts'
import { TextOffsets } from '../openai/logprobs.ts'
import { SSE_CONTENT_TYPE } from '../openai/sse.ts'
import { clientGone } from '../plugins/client-gone.ts'
import { UsageCount, eventStream, headOf } from './answer-stream.ts'
import { merged, startChoices } from './choices.ts'
import { toHttp } from './engine-errors.ts'
import { checkModel, generateRequests, partsOf, readRequest, tokensOf } from './generation.ts'
import type { ModelRoutesOptions } from './generation.ts'
import { measured } from './measured.ts'

/** POST /v1/completions. */
export async function answerCompletion(
  options: ModelRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { config, engine, metrics } = options
  const arrived = performance.now()
  // Before anything is awaited: the slot must be free at the next step after the client left.
  const signal = clientGone(reply, config.limits.maxStreamMs)
  const wanted = readRequest(request, parseCompletionRequest)
  checkModel(wanted.model, config)
  const { id: model, digest } = config.model
  const prompts = await Promise.all(
    wanted.prompts.map((prompt) => tokensOf(engine.tokenizePrompt(prompt), 'prompt', config)),
  )
  const echoes = wanted.echo ? await echoesOf(options, wanted, prompts) : prompts.map(() => '')
  const requests = prompts.flatMap((prompt) => requestsFor(options, request, wanted, prompt))
  const measure = (pieces: AsyncIterable<Piece>, index: number) => {
    const promptTokens = index % wanted.choices === 0 ? (requests[index]?.prompt.length ?? 0) : 0
    return measured(pieces, { metrics, arrived, promptTokens, request })
  }
  const answers = await startChoices(engine, requests, signal, measure).catch((error: unknown) => {
    throw toHttp(error, model)
  })
  const used = new UsageCount(prompts.reduce((sum, { length }) => sum + length, 0))
  const choices = answers.map((pieces, index) => {
    const echo = echoes[Math.floor(index / wanted.choices)] ?? ''
    return completionParts(pieces, { index, echo, wanted, used })
  })
  const head = headOf('cmpl-', model, digest)
  reply.header('x-model-digest', `sha256:${digest}`)
  if (!wanted.stream) {
    const parts = await Promise.all(choices.map(wholePart)).catch((error: unknown) => {
      throw toHttp(error, model)
    })
    return completionBody(head, parts, used.usage)
  }
  const chunks = async function* () {
    for await (const [, part] of merged(choices)) yield completionBody(head, [part])
  }
  reply.header('cache-control', 'no-cache').type(SSE_CONTENT_TYPE)
  const { includeUsage } = wanted
  const onError = (error: unknown) => {
    const known = toHttp(error, model)
    request.errorCode = known.code
    return known.body
  }
  const usage = () => completionBody(head, [], used.usage)
  return reply.send(Readable.from(eventStream(chunks(), { includeUsage, usage, onError })))
}

/** The prompts as text, as they begin the answers. */
async function echoesOf(
  { engine, config }: ModelRoutesOptions,
  { prompts }: CompletionRequest,
  tokens: readonly (readonly number[])[],
): Promise<string[]> {
  return await Promise.all(
    prompts.map(async (prompt, index) => {
      if (typeof prompt === 'string') return prompt
      return await tokensOf(engine.detokenize(tokens[index] ?? []), 'prompt', config)
    }),
  )
}

function requestsFor(
  { config }: ModelRoutesOptions,
  request: FastifyRequest,
  wanted: CompletionRequest,
  prompt: readonly number[],
): GenerateRequest[] {
  const { topLogprobs, echo, responseFormat } = wanted
  const promptLogprobs = echo ? topLogprobs : undefined
  const parts = partsOf(responseFormat)
  const asked = { prompt, param: 'prompt', parts, topLogprobs, promptLogprobs }
  return generateRequests(request, wanted, asked, config)
}

interface ChoiceOptions {
  index: number
  /** Text that the choice begins with. */
  echo: string
  wanted: CompletionRequest
  used: UsageCount
}

/** One choice as it grows. */
async function* completionParts(
  pieces: AsyncGenerator<Piece, void>,
  { index, echo, wanted, used }: ChoiceOptions,
): AsyncGenerator<CompletionPart, void> {
  const { topLogprobs } = wanted
  // The engine makes at least one token; who wants none is told of none.
  const silent = wanted.maxTokens === 0
  const offsets = new TextOffsets()
  let first = true
  for await (const piece of pieces) {
    if (silent) used.add({ ...piece, tokens: 0 })
    else used.add(piece)
    const told: TokenLikelihood[] = [
      ...(piece.promptLikelihoods ?? []),
      ...(silent ? [] : (piece.likelihoods ?? [])),
      // As vLLM: who reads up to the last token but one, as lm-eval does, relies on it.
      ...(silent || piece.endLikelihood === undefined ? [] : [piece.endLikelihood]),
    ]
    const text = (first ? echo : '') + (silent ? '' : piece.text)
    const finish = silent && piece.finish !== undefined ? 'length' : (piece.finish ?? null)
    first = false
    if (text === '' && told.length === 0 && finish === null) continue
    const logprobs =
      topLogprobs === undefined ? undefined : { tokens: told, offsets: offsets.of(told) }
    yield { index, text, finish, logprobs }
  }
}

/** A choice as a whole. */
async function wholePart(parts: AsyncGenerator<CompletionPart, void>): Promise<CompletionPart> {
  let whole: CompletionPart | undefined
  const tokens: TokenLikelihood[] = []
  const offsets: number[] = []
  for await (const part of parts) {
    tokens.push(...(part.logprobs?.tokens ?? []))
    offsets.push(...(part.logprobs?.offsets ?? []))
    const text: string = (whole?.text ?? '') + part.text
    whole = { ...part, text }
  }
  const { index = 0, text = '', finish = 'stop', logprobs } = whole ?? {}
  return { index, text, finish, logprobs: logprobs && { tokens, offsets } }
}
