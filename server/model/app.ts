import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { ModelConfig } from '../../catalog/serving-config.ts'
import type { Engine } from '../engine/engine.ts'
import { createBaseApp } from '../plugins/base-app.ts'
import type { KeyStore } from '../plugins/keys.ts'
import type { Lifecycle } from '../plugins/lifecycle.ts'
import type { Metrics } from '../plugins/metrics.ts'
import { registerDocsRoutes } from '../plugins/docs-routes.ts'
import { registerModelsRoutes } from '../plugins/models-routes.ts'
import { registerAnswerRoutes } from './answer-routes.ts'
import { registerEngineMetrics } from './engine-metrics.ts'
import { registerHealthRoutes } from './health-routes.ts'

export interface ModelAppOptions {
  config: ModelConfig
  engine: Engine
  keys: KeyStore
  metrics: Metrics
  logger: FastifyBaseLogger
  lifecycle: Lifecycle
}

/** The model role: the whole OpenAI API over one engine. */
export function createModelApp(options: ModelAppOptions): FastifyInstance {
  const { config, engine, metrics, lifecycle } = options
  const app = createBaseApp({ ...options, limits: config.limits, clientsAskAgain: true })
  registerEngineMetrics(metrics, engine)
  registerHealthRoutes(app, engine, lifecycle)
  registerModelsRoutes(app, [config.model])
  registerDocsRoutes(app)
  registerAnswerRoutes(app, { config, engine, metrics })
  return app
}
