import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { IncomingMessage } from 'node:http'
import { HTTP_ERRORS } from '../errors.ts'
import { onRequestEnd } from './request-end.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Code of the error table when the request failed. */
    errorCode: string | undefined
    /** Numbers of the answer that the log may show. */
    tokens: { prompt: number; completion: number } | undefined
  }
}

/** A client's id is kept only when it is harmless in a log and a header. */
export function requestId(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : randomUUID()
}

/** One line a request, of fields we control: no body, no header, no raw URL. */
export function registerRequestLog(app: FastifyInstance): void {
  app.decorateRequest('errorCode', undefined)
  app.decorateRequest('tokens', undefined)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    onRequestEnd(reply, (left) => {
      // What we cut is put down to its cause, whatever failed by it.
      if (left === 'client_closed_request') request.errorCode ??= left
      else if (left) request.errorCode = left
      const status = left ? HTTP_ERRORS[left].status : reply.statusCode
      const line = lineOf(request, status, reply.elapsedTime)
      // Probes come every few seconds, and a model that loads is no error.
      if (isHealth(request)) request.log.debug(line, 'request')
      else if (status >= 500) request.log.error(line, 'request')
      else request.log.info(line, 'request')
    })
  })
}

const isHealth = (request: FastifyRequest) =>
  request.routeOptions.url?.startsWith('/health/') === true

function lineOf(request: FastifyRequest, status: number, elapsedMs: number) {
  return {
    method: request.method,
    route: request.is404 ? 'unknown' : request.routeOptions.url,
    status,
    ms: Math.round(elapsedMs),
    key: request.caller?.name,
    tenant: request.caller?.tenant,
    code: request.errorCode,
    promptTokens: request.tokens?.prompt,
    completionTokens: request.tokens?.completion,
  }
}
