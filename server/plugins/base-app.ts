import type { Socket } from 'node:net'
import Fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { z } from 'zod'
import type { LimitsSchema } from '../../catalog/serving-config.ts'
import { HttpError } from '../errors.ts'
import { registerAuth } from './auth.ts'
import { registerContentType } from './content-type.ts'
import { registerErrors } from './error-handler.ts'
import type { KeyStore } from './keys.ts'
import { registerDrain } from './lifecycle.ts'
import type { Lifecycle } from './lifecycle.ts'
import { registerMetrics } from './metrics.ts'
import type { Metrics } from './metrics.ts'
import { registerRequestLog, requestId } from './request-log.ts'
import { registerSlowClient } from './slow-client.ts'
import { registerStreamLimit } from './stream-limit.ts'
import { readTls, registerTlsReload } from './tls.ts'
import type { TlsFiles } from './tls.ts'

export interface BaseAppOptions {
  limits: z.infer<typeof LimitsSchema>
  keys: KeyStore
  metrics: Metrics
  logger: FastifyBaseLogger
  lifecycle: Lifecycle
  /** Its clients ask again what did not arrive: a drain ends their connections with the answers under way. */
  clientsAskAgain: boolean
  tls?: TlsFiles | undefined
  /** Milliseconds between looks at the certificate's files. */
  tlsPollMs?: number
}

const MAX_HEADER_BYTES = 16_384
const HEADERS_TIMEOUT_MS = 10_000
const KEEP_ALIVE_MS = 65_000

/** What happens on every request of either role, in this order. Routes come after it. */
export function createBaseApp(options: BaseAppOptions): FastifyInstance {
  const { limits, keys, metrics } = options
  const app = Fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    bodyLimit: limits.maxBodyBytes,
    requestTimeout: limits.requestReceiveMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 128 },
    clientErrorHandler: answerClientError,
    ...serverOptions(limits.requestReceiveMs, options.tls),
  })
  if (options.tls !== undefined) registerTlsReload(app, options.tls, options.tlsPollMs)
  registerErrors(app)
  registerRequestLog(app)
  registerMetrics(app, metrics)
  registerDrain(app, options.lifecycle, options.clientsAskAgain)
  registerSlowClient(app, limits.slowClientMs)
  registerAuth(app, keys)
  registerStreamLimit(app, limits.maxStreamsPerKey)
  registerContentType(app)
  return app
}

function serverOptions(requestReceiveMs: number, tls: BaseAppOptions['tls']) {
  const common = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestReceiveMs),
    connectionsCheckingInterval: 1000,
  }
  if (tls === undefined) return { http: common }
  return { https: { ...common, ...readTls(tls) } }
}

/** What Node refuses before there is a request: still OpenAI's shape. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const known = clientError(error.code)
  const body = JSON.stringify(known.body)
  socket.end(
    `HTTP/1.1 ${known.status} Error\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

function clientError(code: string | undefined): HttpError {
  const fix = 'correct the request'
  if (code === 'HPE_HEADER_OVERFLOW') {
    const expected = `headers of at most ${MAX_HEADER_BYTES} bytes`
    return new HttpError('headers_too_large', { param: 'headers', expected, got: 'more', fix })
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const expected = 'the whole request in time'
    return new HttpError('request_timeout', {
      expected,
      got: 'a part of it',
      fix: 'send it faster',
    })
  }
  return new HttpError('bad_request', { expected: 'HTTP/1.1', got: 'something else', fix })
}
