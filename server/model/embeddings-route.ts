import type { FastifyReply, FastifyRequest } from 'fastify'
import { HttpError } from '../errors.ts'
import { embeddingsBody } from '../openai/embeddings-answer.ts'
import { parseEmbeddingsRequest } from '../openai/embeddings-request.ts'
import { clientGone } from '../plugins/client-gone.ts'
import { noEmbeddings, toHttp } from './engine-errors.ts'
import { checkModel, readRequest, tokensOf, tooLong } from './generation.ts'
import type { ModelRoutesOptions } from './generation.ts'

/** A model may want a token of its own before a text and one after it. */
const ENDS = 2

/** POST /v1/embeddings. */
export async function answerEmbeddings(
  { config, engine }: ModelRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const signal = clientGone(reply, config.limits.maxStreamMs)
  const wanted = readRequest(request, parseEmbeddingsRequest)
  checkModel(wanted.model, config)
  const { id, digest } = config.model
  const toHttpOf = (error: unknown) => {
    throw toHttp(error, id)
  }
  const { embeddingSize } = await engine.describe().catch(toHttpOf)
  if (embeddingSize === undefined) throw noEmbeddings(id)
  const { dimensions = embeddingSize } = wanted
  if (dimensions > embeddingSize) {
    throw new HttpError('invalid_value', {
      ...{ param: 'dimensions', expected: `at most ${embeddingSize}`, got: `${dimensions}` },
      fix: 'ask for fewer, or leave the field out',
    })
  }
  const prompts = await Promise.all(
    wanted.inputs.map((input) => tokensOf(engine.tokenizePrompt(input), 'input', config)),
  )
  const longest = Math.max(...prompts.map(({ length }) => length))
  if (longest > config.model.contextSize - ENDS) throw tooLong('input', config, `${longest}`, ENDS)
  const vectors = await Promise.all(prompts.map((prompt) => engine.embed(prompt, signal))).catch(
    toHttpOf,
  )
  reply.header('x-model-digest', `sha256:${digest}`)
  const embeddings = vectors.map((vector, index) => ({
    vector: shortened(vector, dimensions),
    tokens: prompts[index]?.length ?? 0,
  }))
  return embeddingsBody(id, embeddings, wanted.encoding)
}

/** The first numbers of it, of length 1 again. */
function shortened(vector: Float32Array, dimensions: number): Float32Array {
  if (dimensions === vector.length) return vector
  const first = vector.slice(0, dimensions)
  const length = Math.hypot(...first)
  return length === 0 ? first : first.map((value) => value / length)
}
