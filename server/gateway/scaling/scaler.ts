import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { ModelScaling } from '../../../catalog/scaling.ts'
import { decide, type Past } from './decide.ts'
import type { Counts, Demand } from './demand.ts'
import { KubernetesError, type KubernetesApi } from './kubernetes-api.ts'
import type { DemandOf, Exchange, SharedDemand } from './shared-demand.ts'

/** Between looks while somebody asks, and while nobody does. */
const BUSY_MS = 1000
const QUIET_MS = 5000
/** Others write the Deployment too: its status, most of all. */
const ATTEMPTS = 5

const ScaleSchema = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  // The API server leaves a zero out.
  spec: z.object({ replicas: z.int().min(0).default(0) }).default({ replicas: 0 }),
})

export interface ScaledModel {
  id: string
  policy: ModelScaling
  demand: Demand
}

export type ScalingEvent =
  | { event: 'scaled'; model: string; from: number; to: number }
  | { event: 'scaling_failed'; model?: string; cause: string }
  | { event: 'scaling_works' }

export interface ScalerOptions {
  models: readonly ScaledModel[]
  api: KubernetesApi
  shared: SharedDemand
  report: (event: ScalingEvent) => void
  now?: () => number
}

/**
 * Looks at the demand again and again and sets the replicas of the models' Deployments. Every gateway
 * raises, by the demand of all of them; only the one that holds the Lease lowers. A write that is based
 * on an old number is refused by the API server, so that two gateways cannot undo each other.
 */
export class Scaler {
  readonly #options: ScalerOptions
  readonly #now: () => number
  readonly #past = new Map<string, Past>()
  readonly #stop = new AbortController()
  #wake = new AbortController()
  #running: Promise<void> | undefined
  #failing = false
  #quiet = false

  constructor(options: ScalerOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Somebody asks: it looks again soon. */
  wake(): void {
    if (this.#quiet) this.kick()
  }

  /** Looks at once: a request waits for a pod. */
  kick(): void {
    this.#wake.abort()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#wake.abort()
    await this.#running
    // The rest of its time is short, and the Lease runs out by itself.
    await this.#options.shared.leave().catch(() => undefined)
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#wake = new AbortController()
      this.#quiet = !(await this.look())
      const pause = this.#quiet ? QUIET_MS : BUSY_MS
      await sleep(pause, undefined, { signal: this.#wake.signal }).catch(() => undefined)
      this.#quiet = false
    }
  }

  /** One look at all models. true: somebody asks for one of them. */
  async look(): Promise<boolean> {
    const own = this.#ownDemand()
    let failed = false
    const fail = (error: unknown, model?: string) => {
      if (!this.#failing) {
        const about = model === undefined ? {} : { model }
        this.#options.report({ event: 'scaling_failed', ...about, cause: causeOf(error) })
      }
      failed = this.#failing = true
    }
    // Without word from the others it raises by its own demand, and lowers nothing.
    const exchange = await this.#options.shared.exchange(own).catch((error: unknown) => {
      fail(error)
      return undefined
    })
    await Promise.all(
      this.#options.models.map((model) =>
        this.#scale(model, exchange).catch((error: unknown) => fail(error, model.id)),
      ),
    )
    if (!failed && this.#failing) {
      this.#failing = false
      this.#options.report({ event: 'scaling_works' })
    }
    // Of this moment: a request that came meanwhile could not wake what was still looking.
    const all = [this.#ownDemand(), ...(exchange?.others ?? [])]
    return all.some((demand) => Object.values(demand).some(({ requests }) => requests > 0))
  }

  #ownDemand(): DemandOf {
    const { models } = this.#options
    return Object.fromEntries(models.map(({ id, demand }) => [id, demand.counts()]))
  }

  async #scale({ id, policy, demand }: ScaledModel, exchange: Exchange | undefined): Promise<void> {
    const { api, report } = this.#options
    const resource = `deployments/${policy.deployment}/scale`
    for (let attempt = 1; ; attempt++) {
      const scale = ScaleSchema.parse(await api.get('apps/v1', resource))
      const { replicas } = scale.spec
      // Its own counts of this moment: a request may have come since they were exchanged.
      const counts = [demand.counts(), ...(exchange?.others ?? []).map((other) => other[id])]
      const sight = { atMs: this.#now(), replicas, ...sumOf(counts) }
      const decision = decide(policy, this.#past.get(id), sight)
      if (exchange === undefined) this.#past.delete(id)
      else this.#past.set(id, decision.past)
      const to = decision.replicas
      if (to === replicas || (to < replicas && exchange?.holds !== true)) return
      const { resourceVersion } = scale.metadata
      try {
        await api.patch('apps/v1', resource, {
          metadata: { resourceVersion },
          spec: { replicas: to },
        })
        return report({ event: 'scaled', model: id, from: replicas, to })
      } catch (error) {
        const raced = error instanceof KubernetesError && error.status === 409
        if (!raced || attempt === ATTEMPTS) throw error
      }
    }
  }
}

function sumOf(counts: readonly (Counts | undefined)[]) {
  const sum = (of: (counts: Counts) => number) =>
    counts.reduce((total, each) => total + (each === undefined ? 0 : of(each)), 0)
  return {
    requests: sum(({ requests }) => requests),
    held: sum(({ held }) => held),
    refused: sum(({ refused }) => refused),
    finished: sum(({ finished }) => finished),
  }
}

/** Of the API server or the way to it; no answer's text. */
function causeOf(error: unknown): string {
  if (error instanceof KubernetesError) return `API server: ${error.status}`
  const { code, name } = error as NodeJS.ErrnoException
  return code ?? name
}
