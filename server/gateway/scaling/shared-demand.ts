import { z } from 'zod'
import type { Counts } from './demand.ts'
import { KubernetesError, type KubernetesApi } from './kubernetes-api.ts'

const GROUP = 'coordination.k8s.io/v1'
/** Annotations of the Lease: one a gateway, by the name of its pod. */
const PREFIX = 'demand.serantau/'
const LEASE_SECONDS = 15
const RENEW_MS = 5000
const STALE_MS = LEASE_SECONDS * 1000

/** By the id of a model. */
export type DemandOf = Readonly<Record<string, Counts>>

const Whole = z.int().min(0)
const NoteSchema = z.object({
  n: z.number(),
  models: z.record(
    z.string(),
    z.object({ requests: Whole, held: Whole, refused: Whole, finished: Whole }),
  ),
})
const LeaseSchema = z.object({
  metadata: z.object({
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z
    .object({
      holderIdentity: z.string().optional(),
      renewTime: z.string().optional(),
      leaseTransitions: z.int().optional(),
    })
    .optional(),
})
type Lease = z.infer<typeof LeaseSchema>

export interface Exchange {
  /** What the other gateways wrote lately. */
  others: readonly DemandOf[]
  /** This gateway alone may lower. */
  holds: boolean
}

interface Seen {
  value: string
  sinceMs: number
}

/**
 * One Lease through which the gateways of a stack tell each other their demand, each in an annotation of
 * its own, and agree on the one that may lower. Others' clocks are never compared with ours: what they
 * wrote is old when it has not changed for 15 s.
 */
export class SharedDemand {
  readonly #api: KubernetesApi
  readonly #resource: string
  readonly #identity: string
  readonly #now: () => number
  readonly #seen = new Map<string, Seen>()
  #count = 0
  #renewedMs = -Infinity

  constructor(
    api: KubernetesApi,
    lease: string,
    identity: string,
    now: () => number = () => performance.now(),
  ) {
    this.#api = api
    this.#resource = `leases/${lease}`
    this.#identity = identity
    this.#now = now
  }

  /** Writes what this gateway sees, and returns what the others do. Throws KubernetesError. */
  async exchange(models: DemandOf): Promise<Exchange> {
    const note = JSON.stringify({ n: this.#count++, models })
    const lease = await this.#patch({ metadata: { annotations: { [this.#key]: note } } })
    const notes = Object.entries(lease.metadata.annotations ?? {}).filter(
      ([key]) => key.startsWith(PREFIX) && key !== this.#key,
    )
    const fresh = notes.filter(([key, value]) => this.#isFresh(key, value))
    const stale = notes.filter((entry) => !fresh.includes(entry)).map(([key]) => key)
    return {
      others: fresh.flatMap(([, value]) => demandIn(value)),
      holds: await this.#hold(lease, stale),
    }
  }

  /** Another gateway need not wait until this one is known to be gone. */
  async leave(): Promise<void> {
    const annotations = { [this.#key]: null }
    const held = this.#now() - this.#renewedMs < STALE_MS
    const spec = held ? { spec: { holderIdentity: '' } } : {}
    await this.#patch({ metadata: { annotations }, ...spec })
  }

  get #key(): string {
    return `${PREFIX}${this.#identity}`
  }

  async #hold({ metadata, spec }: Lease, stale: readonly string[]): Promise<boolean> {
    const holder = spec?.holderIdentity ?? ''
    const renewed = `${holder} ${spec?.renewTime ?? ''}`
    const mine = holder === this.#identity
    if (!mine && holder !== '' && this.#isFresh('holder', renewed)) return false
    const nowMs = this.#now()
    if (mine && nowMs - this.#renewedMs < RENEW_MS && stale.length === 0) return true
    const at = new Date().toISOString().replace('Z', '000Z')
    const transitions = (spec?.leaseTransitions ?? 0) + 1
    const taken = mine ? {} : { acquireTime: at, leaseTransitions: transitions }
    try {
      await this.#patch({
        metadata: {
          resourceVersion: metadata.resourceVersion,
          annotations: Object.fromEntries(stale.map((key) => [key, null])),
        },
        spec: {
          ...{ holderIdentity: this.#identity, leaseDurationSeconds: LEASE_SECONDS },
          ...{ renewTime: at, ...taken },
        },
      })
      this.#renewedMs = nowMs
      return true
    } catch (error) {
      if (!(error instanceof KubernetesError && error.status === 409)) throw error
      // Another gateway wrote in between; it is ours for as long as the last renewal holds.
      return mine && nowMs - this.#renewedMs < STALE_MS - RENEW_MS
    }
  }

  #isFresh(key: string, value: string): boolean {
    const seen = this.#seen.get(key)
    if (seen?.value === value) return this.#now() - seen.sinceMs < STALE_MS
    this.#seen.set(key, { value, sinceMs: this.#now() })
    return true
  }

  async #patch(change: object): Promise<Lease> {
    return LeaseSchema.parse(await this.#api.patch(GROUP, this.#resource, change))
  }
}

/** Written by a gateway of another version, it may be of a form that this one does not know. */
function demandIn(value: string): DemandOf[] {
  try {
    return [NoteSchema.parse(JSON.parse(value)).models]
  } catch {
    return []
  }
}
