import type { FastifyInstance, FastifyReply } from 'fastify'
import { HttpError } from '../errors.ts'

/** Every error leaves in OpenAI's shape; what we did not foresee is a 500 whose cause only the log has. */
export function registerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: Error, request, reply) => {
    const known = toHttpError(error)
    request.errorCode = known.code
    // A stack of ours names files and lines, never what a client sent.
    if (known.code === 'internal_error') {
      request.log.error({ errorName: error.name, stack: framesOf(error) }, 'unforeseen error')
    }
    return sendError(reply, known)
  })
  app.setNotFoundHandler((request, reply) => {
    const error = new HttpError('unknown_url', {
      expected: 'a route of this API',
      got: 'a method and path that it lacks',
      fix: 'use POST /v1/chat/completions, POST /v1/completions or GET /v1/models',
    })
    request.errorCode = error.code
    return sendError(reply, error)
  })
}

export function sendError(reply: FastifyReply, error: HttpError): FastifyReply {
  if (error.retryAfterS !== undefined)
    reply.header('retry-after', String(Math.ceil(error.retryAfterS)))
  if (error.status === 401) reply.header('www-authenticate', 'Bearer')
  return reply.code(error.status).type('application/json; charset=utf-8').send(error.body)
}

/** Fastify's own errors by their code. */
export function toHttpError(error: Error): HttpError {
  if (error instanceof HttpError) return error
  const { code, statusCode } = error as { code?: string; statusCode?: number }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new HttpError('request_too_large', {
      param: 'body',
      expected: 'a body within the limit of this service (maxBodyBytes)',
      got: 'a larger one',
      fix: 'send less text',
    })
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new HttpError('bad_request', {
      expected: 'a well-formed HTTP request',
      got: code ?? 'another',
      fix: 'correct the request',
    })
  }
  return new HttpError('internal_error', undefined, { cause: error })
}

const framesOf = (error: Error) =>
  (error.stack ?? '')
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 8)
