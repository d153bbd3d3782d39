import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { GatewayConfig } from '../../catalog/serving-config.ts'
import { createBaseApp } from '../plugins/base-app.ts'
import type { KeyStore } from '../plugins/keys.ts'
import type { Lifecycle } from '../plugins/lifecycle.ts'
import type { Metrics } from '../plugins/metrics.ts'
import { registerDocsRoutes } from '../plugins/docs-routes.ts'
import { registerModelsRoutes } from '../plugins/models-routes.ts'
import { registerProxy } from './proxy.ts'

export interface GatewayAppOptions {
  config: GatewayConfig
  keys: KeyStore
  metrics: Metrics
  logger: FastifyBaseLogger
  lifecycle: Lifecycle
  tlsPollMs?: number
}

/** The gateway role: checks the key, chooses the model's Service, holds no state. */
export function createGatewayApp(options: GatewayAppOptions): FastifyInstance {
  const { config, lifecycle } = options
  const app = createBaseApp({
    ...options,
    limits: config.limits,
    tls: config.tls,
    clientsAskAgain: false,
  })
  // Ready does not depend on models: with one of them down, the others must still be reached.
  app.get('/health/live', async () => ({ status: 'live' }))
  app.get('/health/ready', async (_request, reply) =>
    lifecycle.draining
      ? reply.code(503).send({ status: 'not ready', cause: 'shutting down' })
      : { status: 'ready' },
  )
  registerModelsRoutes(app, config.models)
  registerDocsRoutes(app)
  registerProxy(app, config)
  return app
}
