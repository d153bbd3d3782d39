import { hostname } from 'node:os'
import type { FastifyBaseLogger, FastifyReply } from 'fastify'
import { DEMAND_PATH } from '../../../catalog/scaling.ts'
import type { GatewayConfig } from '../../../catalog/serving-config.ts'
import type { Metrics } from '../../plugins/metrics.ts'
import { onRequestEnd } from '../../plugins/request-end.ts'
import { answerBeginsLate } from '../../plugins/slow-client.ts'
import { Demand } from './demand.ts'
import { Gate, HeldBytes } from './gate.ts'
import { KubernetesApi } from './kubernetes-api.ts'
import { Scaler, type ScaledModel, type ScalingEvent } from './scaler.ts'
import { SharedDemand } from './shared-demand.ts'

export interface ScalingOptions {
  config: GatewayConfig
  metrics: Metrics
  logger: FastifyBaseLogger
  /** Default: that of the cluster which the pod runs in. */
  kubernetes?: KubernetesApi
}

/** Requests for one scaled model, while they are under way and while they are held. */
export interface Visits {
  /** A request for it has come. */
  begin(reply: FastifyReply): void
  /** It was refused by the model (429). */
  refuse(): void
  /** Asks until something answers, held in between while no pod is ready. */
  holdUntilAsked<T>(hold: HoldOptions<T>): Promise<T>
}

export interface HoldOptions<T> {
  reply: FastifyReply
  /** Of its body. */
  bytes: number
  gone: AbortSignal
  ask: () => Promise<T>
  /** true: nothing listens there. */
  noConnection: (error: unknown) => boolean
}

/** The models whose pods are scaled, and what scales them when that is the gateway itself. */
export class Scaling {
  readonly #visits = new Map<string, Visits>()
  readonly #scaler: Scaler | undefined
  readonly #close: () => Promise<void>

  constructor({ config, metrics, logger, kubernetes }: ScalingOptions) {
    const { scaling } = config
    const models: (ScaledModel & { url: string })[] = []
    if (scaling !== undefined) {
      for (const { id, url, scaling: policy } of config.models) {
        if (policy !== undefined) models.push({ id, url, policy, demand: new Demand() })
      }
    }
    const changes = { up: 0, down: 0, failed: 0 }
    const report = (event: ScalingEvent) => {
      if (event.event === 'scaled') changes[event.to > event.from ? 'up' : 'down']++
      if (event.event === 'scaling_failed') changes.failed++
      logger[event.event === 'scaling_failed' ? 'error' : 'info'](event)
    }
    if (models.length > 0) registerMeasures(metrics, models, changes)
    const api = scaling?.by === 'gateway' ? (kubernetes ?? new KubernetesApi()) : undefined
    if (models.length > 0 && api !== undefined && scaling?.lease !== undefined) {
      const shared = new SharedDemand(api, scaling.lease, hostname())
      this.#scaler = new Scaler({ models, api, shared, report })
    }
    const held = new HeldBytes()
    for (const { id, url, policy, demand } of models) {
      const gate = new Gate(url, policy.maxHeld, held)
      const holdMs = scaling?.holdMs ?? 0
      this.#visits.set(id, visitsOf({ demand, gate, holdMs, scaler: this.#scaler }))
    }
    this.#close = async () => {
      await this.#scaler?.stop()
      await api?.close()
    }
  }

  /** undefined: its pods are not scaled. */
  of(model: string): Visits | undefined {
    return this.#visits.get(model)
  }

  start(): void {
    this.#scaler?.start()
  }

  close(): Promise<void> {
    return this.#close()
  }
}

interface Visited {
  demand: Demand
  gate: Gate
  holdMs: number
  scaler: Scaler | undefined
}

function visitsOf({ demand, gate, holdMs, scaler }: Visited): Visits {
  return {
    begin: (reply) => {
      // Of a client that is gone already no end would be told.
      if (reply.raw.destroyed) return
      onRequestEnd(reply, demand.begin())
      scaler?.wake()
    },
    refuse: () => demand.refuse(),
    holdUntilAsked: async ({ reply, bytes, gone, ask, noConnection }) => {
      const endMs = performance.now() + holdMs
      let leave: (() => void) | undefined
      try {
        for (;;) {
          try {
            return await ask()
          } catch (error) {
            if (gone.aborted || !noConnection(error)) throw error
          }
          leave ??= enter(demand, gate, bytes)
          scaler?.kick()
          await gate.opened(gone, Math.max(0, endMs - performance.now()))
          answerBeginsLate(reply.raw)
        }
      } finally {
        leave?.()
      }
    },
  }
}

function enter(demand: Demand, gate: Gate, bytes: number): () => void {
  const leave = gate.enter(bytes)
  const release = demand.hold()
  return () => {
    release()
    leave()
  }
}

function registerMeasures(
  metrics: Metrics,
  models: readonly ScaledModel[],
  changes: Record<string, number>,
): void {
  const held = () => models.map(({ id, demand }) => [id, demand.counts().held] as const)
  metrics.gauges('serantau_held_requests', 'Requests that wait for a pod', 'model', () =>
    Object.fromEntries(held()),
  )
  metrics.counter('serantau_scaling_total', 'Changes of replicas by this gateway', 'how', () => ({
    ...changes,
  }))
  for (const { id, demand } of models) {
    metrics.page(`${DEMAND_PATH}${id}`, () => {
      const counts = demand.counts()
      return { ...counts, demand: counts.requests + counts.refused }
    })
  }
}
