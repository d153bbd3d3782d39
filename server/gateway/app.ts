import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { GatewayConfig } from '../../catalog/serving-config.ts'
import { createBaseApp } from '../plugins/base-app.ts'
import type { KeyStore } from '../plugins/keys.ts'
import type { Lifecycle } from '../plugins/lifecycle.ts'
import type { Metrics } from '../plugins/metrics.ts'
import { registerDocsRoutes } from '../plugins/docs-routes.ts'
import { registerModelsRoutes } from '../plugins/models-routes.ts'
import { registerProxy } from './proxy.ts'
import type { KubernetesApi } from './scaling/kubernetes-api.ts'
import { Scaling } from './scaling/scaling.ts'

export interface GatewayAppOptions {
  config: GatewayConfig
  keys: KeyStore
  metrics: Metrics
  logger: FastifyBaseLogger
  lifecycle: Lifecycle
  tlsPollMs?: number
  /** Where models are scaled; default: the cluster that the pod runs in. */
  kubernetes?: KubernetesApi
}

/** The gateway role: checks the key, chooses the model's Service, scales its pods where it is told to. */
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
  const scaling = new Scaling(options)
  app.addHook('onListen', async () => scaling.start())
  app.addHook('onClose', async () => scaling.close())
  registerProxy(app, config, scaling)
  return app
}
