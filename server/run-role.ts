import type { Server } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { KitError } from '../catalog/errors.ts'
import type { ModelConfig, ServingConfig } from '../catalog/serving-config.ts'
import { engineOptions } from './engine-options.ts'
import { EngineClient } from './engine/engine-client.ts'
import type { Engine } from './engine/engine.ts'
import type { EarlyEngine } from './engine/early-engine.ts'
import type { ModelAppOptions } from './model/app.ts'
import { KeyStore } from './plugins/keys.ts'
import { Lifecycle } from './plugins/lifecycle.ts'
import { Metrics, serveMetrics } from './plugins/metrics.ts'

const SWEEP_MS = 100
/** For a client to take the error with which its answer ends. */
const LAST_WORDS_MS = 1000

export interface RoleOptions {
  config: ServingConfig
  keysFile: string
  host: string
  /** 0: any free port. */
  port: number
  /** undefined: no metrics port. */
  metricsPort: number | undefined
  logger: FastifyBaseLogger
  /** The engine of a model role, where it was started already. */
  early?: EarlyEngine | undefined
}

export interface RunningRole {
  app: FastifyInstance
  /** Port that it listens on. */
  port: number
  engine: Engine | undefined
  /** Not ready from now on; answers until nobody asked for `delayMs`, and ends what is under way whole. */
  drain(delayMs: number): Promise<void>
}

/** Starts one role: listens at once, ready when it can serve. */
export async function runRole(options: RoleOptions): Promise<RunningRole> {
  const { config, logger } = options
  const lifecycle = new Lifecycle()
  const metrics = new Metrics()
  const keys = new KeyStore(options.keysFile, (event) => logger.info(event))
  const common = { keys, metrics, logger, lifecycle }
  const engine = config.role === 'model' ? startEngine(config, options, metrics) : undefined
  const app = await createApp(config, common, engine)
  let metricsServer: Server | undefined
  const stop = async () => {
    metricsServer?.close()
    keys.close()
    await engine?.close()
  }
  try {
    await app.listen({ host: options.host, port: options.port })
    if (options.metricsPort !== undefined) {
      metricsServer = await serveMetrics(metrics, options.host, options.metricsPort)
    }
  } catch (error) {
    await app.close()
    await stop()
    throw asPortTaken(error)
  }
  return {
    app,
    port: portOf(app) ?? options.port,
    engine,
    drain: async (delayMs) => {
      const mostMs = drainMs(config, delayMs)
      const began = performance.now()
      lifecycle.draining = true
      await lifecycle.untilQuiet(delayMs, mostMs)
      await closeWithin(app, lifecycle, Math.max(0, mostMs - (performance.now() - began)))
      await stop()
    },
  }
}

/**
 * The longest drain. Requests still come while Services forget the pod, and each takes its whole time at
 * most; a connection that a client of the gateway keeps may bring one more as its stream ends, and what is
 * held may have all of its time still before it.
 */
export function drainMs(config: ServingConfig, delayMs: number): number {
  const { maxStreamMs } = config.limits
  if (config.role === 'model') return delayMs + maxStreamMs
  return delayMs + 2 * maxStreamMs + (config.scaling?.holdMs ?? 0)
}

/** A role loads only what it serves with: the other's libraries would stay in its memory. */
async function createApp(
  config: ServingConfig,
  common: Omit<ModelAppOptions, 'config' | 'engine'>,
  engine: Engine | undefined,
): Promise<FastifyInstance> {
  if (config.role === 'gateway') {
    const { createGatewayApp } = await import('./gateway/app.ts')
    return createGatewayApp({ ...common, config })
  }
  const { createModelApp } = await import('./model/app.ts')
  return createModelApp({ ...common, config, engine: engine as Engine })
}

function startEngine(
  config: ModelConfig,
  { logger, early }: RoleOptions,
  metrics: Metrics,
): Engine {
  return new EngineClient({
    engine: engineOptions(config),
    early,
    report: (event) => {
      if (event.event === 'engine_gone') metrics.engineEnds.inc({ how: event.how ?? 'exit' })
      if (event.event === 'engine_ready') logger.info(event)
      else if (event.event.startsWith('engine_')) logger.error(event)
      else logger.warn(event)
    },
  })
}

/** Streams in flight end whole; what outlives every allowed stream ends with an error, or is cut a little later. */
async function closeWithin(
  app: FastifyInstance,
  lifecycle: Lifecycle,
  maxMs: number,
): Promise<void> {
  const end = setTimeout(() => lifecycle.endAnswers(), maxMs)
  const cut = setTimeout(() => app.server.closeAllConnections(), maxMs + LAST_WORDS_MS)
  // A connection whose stream has ended is idle again, and would be kept for its next request.
  const sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS)
  await app.close()
  clearInterval(sweep)
  clearTimeout(end)
  clearTimeout(cut)
}

function asPortTaken(error: unknown): unknown {
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code !== 'EADDRINUSE') return error
  return new KitError('PORT_TAKEN', {
    path: `port ${port}`,
    expected: 'a free port',
    got: 'one that another process listens on',
    fix: 'end that process or choose another port (--port)',
  })
}

function portOf(app: FastifyInstance): number | undefined {
  const address = app.server.address()
  return typeof address === 'object' && address !== null ? address.port : undefined
}
