import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AnswerPart, Piece, TokenLikelihood } from '../engine/engine.ts'
import { HttpError } from '../errors.ts'
import { callIds } from '../openai/call-ids.ts'
import type { CallId } from '../openai/call-ids.ts'
import {
  ChatChoice,
  chatBody,
  chatPartChunk,
  chatUsageChunk,
  firstChatChunk,
  lastChatChunk,
} from '../openai/chat-answer.ts'
import type { ChatFinish, ChatPart } from '../openai/chat-answer.ts'
import { parseChatRequest } from '../openai/chat-request.ts'
import type { ChatRequest } from '../openai/chat-request.ts'
import { detectFormat, endsInsideReasoning } from '../openai/output/detect-format.ts'
import { forcedCalls } from '../openai/output/forced-call.ts'
import type { OutputEvent } from '../openai/output/output-event.ts'
import type { OutputFormat } from '../openai/output/output-format.ts'
import { OutputParser } from '../openai/output/output-parser.ts'
import { SSE_CONTENT_TYPE } from '../openai/sse.ts'
import { withToolsInPrompt } from '../openai/tools-in-prompt.ts'
import { clientGone } from '../plugins/client-gone.ts'
import { UsageCount, eventStream, headOf } from './answer-stream.ts'
import { merged, startChoices } from './choices.ts'
import { toHttp } from './engine-errors.ts'
import { checkModel, generateRequests, partsOf, readRequest, tokensOf } from './generation.ts'
import type { ModelRoutesOptions } from './generation.ts'
import { measured } from './measured.ts'

/** POST /v1/chat/completions. */
export async function answerChat(
  options: ModelRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const arrived = performance.now()
  // Before anything is awaited: the slot must be free at the next step after the client left.
  const signal = clientGone(reply, options.config.limits.maxStreamMs)
  const wanted = readRequest(request, parseChatRequest)
  checkModel(wanted.model, options.config)
  const started = await startChat(options, request, wanted, { arrived, signal })
  const { id: model, digest } = options.config.model
  const head = headOf('chatcmpl-', model, digest)
  const { choices, used } = started
  reply.header('x-model-digest', `sha256:${digest}`)
  if (!wanted.stream) {
    const whole = await Promise.all(
      choices.map((choice, index) => wholeChoice(choice, index, wanted)),
    ).catch((error: unknown) => {
      throw toHttp(error, model)
    })
    return chatBody(head, whole, used.usage)
  }
  const chunks = async function* () {
    for (const index of choices.keys()) yield firstChatChunk(head, index)
    for await (const [index, { part, likelihoods, finish }] of merged(choices)) {
      if (finish !== undefined) yield lastChatChunk(head, index, finish)
      else yield chatPartChunk(head, index, part, likelihoods)
    }
  }
  reply.header('cache-control', 'no-cache').type(SSE_CONTENT_TYPE)
  const onError = (error: unknown) => {
    const known = toHttp(error, model)
    request.errorCode = known.code
    return known.body
  }
  const usage = () => chatUsageChunk(head, used.usage)
  const { includeUsage } = wanted
  return reply.send(Readable.from(eventStream(chunks(), { includeUsage, usage, onError })))
}

/** What a choice has to say next: a part, or how it ended. */
export interface ChatStep {
  part?: ChatPart
  /** Of the tokens since the last one, where they are wanted. */
  likelihoods?: readonly TokenLikelihood[]
  finish?: ChatFinish
}

export interface StartedChat {
  choices: AsyncGenerator<ChatStep, void>[]
  used: UsageCount
}

/** The answers to a chat, as they are understood. Throws HttpError until each has begun. */
export async function startChat(
  options: ModelRoutesOptions,
  request: FastifyRequest,
  wanted: ChatRequest,
  { arrived, signal }: { arrived: number; signal: AbortSignal },
): Promise<StartedChat> {
  const { config, engine, metrics } = options
  const { id: model } = config.model
  if (!config.model.chat) throw noChat(model)
  const { chatTemplate = '' } = await engine.describe().catch((error: unknown) => {
    throw toHttp(error, model)
  })
  const { format, chat } = withToolsInPrompt(detectFormat(chatTemplate), chatTemplate, wanted)
  const { tokens: prompt, tail } = await tokensOf(engine.tokenizeChat(chat), 'messages', config)
  const insideReasoning = endsInsideReasoning(format, tail)
  const parts = answerParts(wanted, format, insideReasoning)
  const { topLogprobs } = wanted
  const { markers } = format
  const asked = { prompt, param: 'messages', parts, topLogprobs, markers }
  const requests = generateRequests(request, wanted, asked, config)
  const measure = (pieces: AsyncIterable<Piece>, index: number) =>
    measured(pieces, { metrics, arrived, promptTokens: index === 0 ? prompt.length : 0, request })
  const answers = await startChoices(engine, requests, signal, measure).catch((error: unknown) => {
    throw toHttp(error, model)
  })
  const used = new UsageCount(prompt.length)
  const tools = wanted.toolChoice.kind === 'none' ? [] : wanted.tools
  const understood = { tools, reasoning: wanted.separateReasoning, insideReasoning }
  const idOf = callIds(format, wanted.messages)
  return {
    used,
    choices: answers.map((pieces) =>
      chatSteps(pieces, new OutputParser(format, understood), idOf, used),
    ),
  }
}

/** What the answer must be; undefined: any text. */
function answerParts(
  { toolChoice, tools, parallelToolCalls, responseFormat }: ChatRequest,
  format: OutputFormat,
  insideReasoning: boolean,
): readonly AnswerPart[] | undefined {
  if (toolChoice.kind === 'required' || toolChoice.kind === 'named') {
    const named = tools.filter(
      ({ name }) => toolChoice.kind !== 'named' || toolChoice.name === name,
    )
    const parallel = parallelToolCalls && toolChoice.kind === 'required'
    return forcedCalls(format, { tools: named, parallel, insideReasoning })
  }
  const parts = partsOf(responseFormat)
  const end = format.reasoning?.end
  if (parts === undefined || !insideReasoning || end === undefined) return parts
  // It thinks first, freely.
  return [{ textBefore: end.trim() }, { text: end.trimStart() }, ...parts]
}

/** An answer as it is understood. */
async function* chatSteps(
  pieces: AsyncGenerator<Piece, void>,
  parser: OutputParser,
  idOf: CallId,
  used: UsageCount,
): AsyncGenerator<ChatStep, void> {
  let called = false
  let likelihoods: TokenLikelihood[] | undefined
  let finish: Piece['finish']
  const steps = function* (events: readonly OutputEvent[]): Generator<ChatStep> {
    for (const event of events) {
      const part = partOf(event, idOf)
      if (part === undefined) continue
      called ||= part.kind === 'call'
      yield likelihoods === undefined ? { part } : { part, likelihoods }
      if (likelihoods !== undefined) likelihoods = []
    }
  }
  for await (const piece of pieces) {
    used.add(piece)
    if (piece.likelihoods !== undefined) (likelihoods ??= []).push(...piece.likelihoods)
    const events = parser.push(piece.text)
    const isThought = events.length > 0 && events.every(({ type }) => type === 'reasoning')
    if (isThought) used.addReasoning(piece.tokens)
    yield* steps(events)
    finish = piece.finish ?? finish
  }
  yield* steps(parser.finish())
  if (likelihoods !== undefined && likelihoods.length > 0) yield { likelihoods }
  yield { finish: called && finish !== 'length' ? 'tool_calls' : (finish ?? 'stop') }
}

function partOf(event: OutputEvent, idOf: CallId): ChatPart | undefined {
  switch (event.type) {
    case 'content':
    case 'reasoning':
      return { kind: event.type, text: event.text }
    case 'call-begin': {
      const { index, name } = event
      return { kind: 'call', index, id: idOf(name, index), name }
    }
    case 'call-arguments':
      return { kind: 'arguments', index: event.index, text: event.json }
    case 'call-end':
      return undefined
  }
}

async function wholeChoice(
  steps: AsyncGenerator<ChatStep, void>,
  index: number,
  { topLogprobs }: ChatRequest,
): Promise<object> {
  const choice = new ChatChoice()
  let end: ChatFinish = 'stop'
  for await (const { part, likelihoods = [], finish } of steps) {
    if (part !== undefined) choice.add(part)
    choice.addLogprobs(likelihoods)
    end = finish ?? end
  }
  return choice.json(index, end, topLogprobs !== undefined)
}

const noChat = (id: string) =>
  new HttpError('chat_not_supported', {
    param: 'model',
    expected: 'a model with a chat template',
    got: `"${id}", a base model without one`,
    fix: 'use POST /v1/completions or another model',
  })
