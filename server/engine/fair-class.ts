import type { Priority } from './engine.ts'
import type { Ahead } from './first-token.ts'

export interface Waiting {
  id: number
  tenant: string
  priority: Priority
  promptTokens: number
  maxTokens: number
  /** On the clock of the `nowMs` of every call. */
  arrivedMs: number
}

export interface Entry {
  request: Waiting
  /** Prompt tokens that the prefix cache did not hold when it came. */
  uncached: number
  /** Since when it is in its present class. */
  enteredMs: number
}

interface Tenant {
  /** In order of entering the class. */
  entries: Set<Entry>
  /** What it was served, on a scale that all tenants of the class share. */
  debt: number
  uncached: number
  cost: number
}

/** Ready requests of a tenant among which the longest cached prefix is looked for. */
const LOOKAHEAD = 32
/** Requests of a tenant that are asked whether they are ready. */
const SCAN = 256
/** Answers seldom use all of their max_tokens, which is the whole context where none was named. */
const ANSWER_SHARE = 0.25

/** What serving a request costs, in prompt tokens. */
export const costOf = (uncached: number, maxTokens: number): number =>
  Math.max(1, uncached + maxTokens * ANSWER_SHARE)

export interface Serving {
  nowMs: number
  agingMs: number
  cachedTokensOf: (id: number) => number
  ready: (id: number) => boolean
}

/**
 * Those who wait in one priority class. The tenant that was served least is next: deficit round robin
 * with a quantum of one token, that is start-time fair queueing. Of two tenants that both have ready
 * requests waiting all the time, neither is served more than the other by more than the dearest
 * request of each. A tenant that was away, or had none ready, goes on at the level of the one served
 * last: it saved nothing up meanwhile; nor does leaving shed a debt.
 */
export class FairClass {
  readonly #tenants = new Map<string, Tenant>()
  /** Debt of the tenant served last, before it was charged. */
  #level = 0

  add(entry: Entry): void {
    const name = entry.request.tenant
    const known = this.#tenants.get(name)
    const tenant = known ?? { entries: new Set(), debt: 0, uncached: 0, cost: 0 }
    if (known === undefined) this.#tenants.set(name, tenant)
    tenant.entries.add(entry)
    tenant.uncached += entry.uncached
    tenant.cost += costAtEntry(entry)
  }

  delete(entry: Entry): void {
    const tenant = this.#tenants.get(entry.request.tenant)
    if (tenant?.entries.delete(entry) !== true) return
    tenant.uncached -= entry.uncached
    tenant.cost -= costAtEntry(entry)
  }

  /** Removes and charges the next; undefined when none is ready. */
  take(serving: Serving): Entry | undefined {
    const tenant = this.#leastServed(serving)
    if (tenant === undefined) return undefined
    const entry = choose(tenant, serving)
    this.delete(entry)
    const { id, promptTokens, maxTokens } = entry.request
    this.#level = tenant.debt
    tenant.debt += costOf(promptTokens - serving.cachedTokensOf(id), maxTokens)
    return entry
  }

  /** What of this class is served before one more request of the tenant. */
  aheadOf(name: string): Omit<Ahead, 'ownTokens'> {
    const own = this.#tenants.get(name)
    const start = Math.max(own?.debt ?? 0, this.#level) + (own?.cost ?? 0)
    let requests = 0
    let tokens = 0
    for (const tenant of this.#tenants.values()) {
      const size = tenant.entries.size
      if (size === 0) continue
      const lead = start - Math.max(tenant.debt, this.#level)
      const share = tenant === own ? 1 : Math.min(1, Math.max(0, lead) / tenant.cost)
      // One of each tenant may be first: the order among equals is not known.
      const before = Math.min(size, Math.floor(share * size) + 1)
      requests += before
      tokens += (tenant.uncached * before) / size
    }
    return { requests, tokens }
  }

  /** All that wait. */
  all(): Omit<Ahead, 'ownTokens'> {
    let requests = 0
    let tokens = 0
    for (const tenant of this.#tenants.values()) {
      requests += tenant.entries.size
      tokens += tenant.uncached
    }
    return { requests, tokens }
  }

  /** The newest of the tenant with most waiting, if these are more than `moreThan`. */
  newestOfLongest(moreThan: number): Waiting | undefined {
    let longest: Tenant | undefined
    let most = moreThan
    for (const tenant of this.#tenants.values()) {
      if (tenant.entries.size <= most) continue
      longest = tenant
      most = tenant.entries.size
    }
    let newest: Waiting | undefined
    for (const { request } of longest?.entries ?? []) {
      if (newest === undefined || request.arrivedMs >= newest.arrivedMs) newest = request
    }
    return newest
  }

  waitingOf(tenant: string): number {
    return this.#tenants.get(tenant)?.entries.size ?? 0
  }

  #leastServed({ ready }: Serving): Tenant | undefined {
    let least: Tenant | undefined
    let waiting = false
    for (const [name, tenant] of this.#tenants) {
      const paid = tenant.debt <= this.#level
      if (tenant.entries.size === 0) {
        if (paid) this.#tenants.delete(name)
        continue
      }
      waiting = true
      if (paid) tenant.debt = this.#level
      if (least !== undefined && tenant.debt >= least.debt) continue
      if (hasReady(tenant, ready)) least = tenant
    }
    // Nobody waits to whom a debt would be owed.
    if (!waiting) this.#tenants.clear()
    return least
  }
}

const costAtEntry = ({ uncached, request }: Entry) => costOf(uncached, request.maxTokens)

function hasReady(tenant: Tenant, ready: Serving['ready']): boolean {
  return readyOnes(tenant, ready).next().done !== true
}

function* readyOnes(tenant: Tenant, ready: Serving['ready']): Generator<Entry, undefined> {
  let scanned = 0
  for (const entry of tenant.entries) {
    if (++scanned > SCAN) return
    if (ready(entry.request.id)) yield entry
  }
}

/** The longest cached prefix; but one that has waited long is never passed by a later one. */
function choose(tenant: Tenant, { nowMs, agingMs, cachedTokensOf, ready }: Serving): Entry {
  let best: Entry | undefined
  let bestCached = -1
  let seen = 0
  for (const entry of readyOnes(tenant, ready)) {
    if (best === undefined && nowMs - entry.enteredMs >= agingMs) return entry
    const cached = cachedTokensOf(entry.request.id)
    if (cached > bestCached) {
      best = entry
      bestCached = cached
    }
    if (++seen >= LOOKAHEAD) break
  }
  if (best === undefined) throw new Error('a tenant without a ready request was chosen')
  return best
}
