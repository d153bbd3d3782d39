import Fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Limits } from '../../catalog/serving-config.ts'
import { registerAuth } from './auth.ts'
import { answerClientError, registerClientErrors } from './client-errors.ts'
import { registerContentType } from './content-type.ts'
import { registerErrors } from './error-handler.ts'
import { HTTP_LIMITS } from './http-limits.ts'
import type { KeyStore } from './keys.ts'
import { registerDrain } from './lifecycle.ts'
import type { Lifecycle } from './lifecycle.ts'
import { registerMetrics } from './metrics.ts'
import type { Metrics } from './metrics.ts'
import { registerRequestLog, requestId } from './request-log.ts'
import { registerSecurityHeaders } from './security-headers.ts'
import { registerSlowClient } from './slow-client.ts'
import { registerStreamLimit } from './stream-limit.ts'
import { readTls, registerTlsReload } from './tls.ts'
import type { TlsFiles } from './tls.ts'

export interface BaseAppOptions {
  limits: Limits
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

/** What happens on every request of either role, in this order. Routes come after it. */
export function createBaseApp(options: BaseAppOptions): FastifyInstance {
  const { limits, keys, metrics, tls } = options
  const app = Fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    bodyLimit: limits.maxBodyBytes,
    requestTimeout: limits.requestReceiveMs,
    keepAliveTimeout: HTTP_LIMITS.keepAliveMs,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: false,
    // No longer than headers may be: it refuses none before its key is known.
    routerOptions: { maxParamLength: HTTP_LIMITS.headerBytes },
    rewriteUrl: ({ url }) => decodable(url ?? '/'),
    clientErrorHandler: (error, socket) => answerClientError(error, socket, metrics),
    ...serverOptions(limits.requestReceiveMs, tls),
  })
  if (tls !== undefined) registerTlsReload(app, tls, metrics, options.tlsPollMs)
  registerErrors(app)
  registerSecurityHeaders(app, tls !== undefined)
  registerRequestLog(app)
  registerMetrics(app, metrics)
  registerDrain(app, options.lifecycle, options.clientsAskAgain)
  registerSlowClient(app, limits)
  registerClientErrors(app, metrics)
  registerAuth(app, keys)
  registerStreamLimit(app, limits.maxStreamsPerKey)
  registerContentType(app)
  return app
}

function serverOptions(requestReceiveMs: number, tls: BaseAppOptions['tls']) {
  const common = {
    maxHeaderSize: HTTP_LIMITS.headerBytes,
    headersTimeout: Math.min(HTTP_LIMITS.headersMs, requestReceiveMs),
    connectionsCheckingInterval: HTTP_LIMITS.lookMs,
    // Asked for by a hook, which answers as all others do.
    requireHostHeader: false,
  }
  if (tls === undefined) return { http: common }
  return { https: { ...common, handshakeTimeout: HTTP_LIMITS.handshakeMs, ...readTls(tls) } }
}

/** Hooks do not run for a path that cannot be decoded: it becomes one that no route has. */
function decodable(url: string): string {
  if (!url.includes('%')) return url
  try {
    decodeURIComponent(url.split(/[?#]/, 1)[0] ?? '')
    return url
  } catch {
    return '/'
  }
}
