import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ResponseAnswer } from '../openai/responses-answer.ts'
import type { ResponseEvent } from '../openai/responses-answer.ts'
import { parseResponsesRequest } from '../openai/responses-request.ts'
import { SSE_CONTENT_TYPE, namedSseEvent } from '../openai/sse.ts'
import { clientGone } from '../plugins/client-gone.ts'
import { headOf } from './answer-stream.ts'
import { startChat } from './chat-route.ts'
import type { StartedChat } from './chat-route.ts'
import { toHttp } from './engine-errors.ts'
import { checkModel, readRequest } from './generation.ts'
import type { ModelRoutesOptions } from './generation.ts'

const newId = () => randomUUID().replaceAll('-', '')

/** POST /v1/responses. */
export async function answerResponse(
  options: ModelRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const arrived = performance.now()
  const signal = clientGone(reply, options.config.limits.maxStreamMs)
  const wanted = readRequest(request, parseResponsesRequest)
  const { id: model, digest } = options.config.model
  checkModel(wanted.chat.model, options.config)
  const started = await startChat(options, request, wanted.chat, { arrived, signal })
  const answer = new ResponseAnswer(headOf('resp_', model, digest), wanted, newId)
  reply.header('x-model-digest', `sha256:${digest}`)
  if (!wanted.chat.stream) {
    let whole: unknown
    for await (const event of eventsOf(answer, started, (error) => {
      throw toHttp(error, model)
    })) {
      whole = event['response'] ?? whole
    }
    return whole
  }
  const stream = async function* () {
    let number = 0
    const onError = (error: unknown) => {
      const known = toHttp(error, model)
      request.errorCode = known.code
      return answer.fail(known.message)
    }
    for await (const event of eventsOf(answer, started, onError)) {
      yield namedSseEvent(event.type, { ...event, sequence_number: number++ })
    }
  }
  reply.header('cache-control', 'no-cache').type(SSE_CONTENT_TYPE)
  return reply.send(Readable.from(stream()))
}

/** The last event holds the whole response. */
async function* eventsOf(
  answer: ResponseAnswer,
  { choices, used }: StartedChat,
  onError: (error: unknown) => ResponseEvent,
): AsyncGenerator<ResponseEvent, void> {
  yield* answer.begin()
  try {
    for await (const { part, finish } of choices[0]!) {
      if (part !== undefined) yield* answer.add(part)
      if (finish !== undefined) yield* answer.end(finish, used.usage)
    }
  } catch (error) {
    yield onError(error)
  }
}
