import { PRIORITIES } from './engine.ts'
import { FairClass } from './fair-class.ts'
import type { Entry, Waiting } from './fair-class.ts'
import { predictFirstTokenMs } from './first-token.ts'
import type { Load } from './first-token.ts'
import { RecentShares } from './recent-shares.ts'

export type { Waiting } from './fair-class.ts'
export { predictFirstTokenMs } from './first-token.ts'
export type { Load } from './first-token.ts'

export type Offer =
  | { admitted: true; predictedFirstTokenMs: number }
  | { admitted: false; reason: 'queue_full' | 'too_late'; retryAfterMs: number }

export interface WaitingLineOptions {
  /** Beside those for whom a slot is free. */
  maxQueued: number
  /** Longest time from arrival to the first token; Infinity: no limit. */
  firstTokenMs: number
  /**
   * Waiting so long lifts a request by one priority class. Default: a quarter of firstTokenMs, so that
   * a low one is among the high ones in half its time.
   */
  agingMs?: number
}

interface Placed extends Entry {
  /** Index of PRIORITIES: where ageing has brought it. */
  rank: number
}

/** Of a class in one step: thousands that came together would hold up a decode step. */
const MOST_LIFTS = 256
const LEAST_RETRY_MS = 1000
const MOST_RETRY_MS = 60_000

/**
 * Who waits for a slot, and who is next: a higher class first, in a class the tenant that was served
 * least, of a tenant the longest cached prefix. Ageing bounds how long anything is passed over.
 */
export class WaitingLine {
  readonly #options: Required<WaitingLineOptions>
  readonly #placed = new Map<number, Placed>()
  readonly #classes = PRIORITIES.map(() => new FairClass())
  /** By class, in order of entering it: the first is lifted first. */
  readonly #byEntry = PRIORITIES.map(() => new Set<Placed>())
  readonly #shares = new RecentShares()
  /** Removed to make room, not told yet. */
  readonly #displaced = new Map<number, Waiting>()
  /** Never later than the first deadline. */
  #firstDeadlineMs = Infinity

  constructor(options: WaitingLineOptions) {
    this.#options = { agingMs: options.firstTokenMs / 4, ...options }
  }

  get size(): number {
    return this.#placed.size
  }

  /**
   * Queues a request, or says why not and when to try again. A full queue makes room for a higher
   * class, and for a tenant that has fewer waiting; who gives way comes out of `expire`.
   */
  offer(request: Waiting, cachedTokens: number, load: Load, nowMs: number): Offer {
    if (this.#placed.has(request.id)) throw new Error(`request ${request.id} waits already`)
    this.#lift(nowMs)
    const { maxQueued, firstTokenMs } = this.#options
    const rank = PRIORITIES.indexOf(request.priority)
    const uncached = Math.max(0, request.promptTokens - cachedTokens)
    const ahead = this.#aheadOf(rank, request)
    const predicted = predictFirstTokenMs({ ...ahead, ownTokens: uncached }, load)
    const lateByMs = nowMs + predicted - (request.arrivedMs + firstTokenMs)
    // Those for whom a slot is free do not wait: they are taken at the next step.
    const full = this.size >= maxQueued + load.freeSlots
    const givesWay = full ? this.#givesWayTo(rank, request.tenant) : undefined
    if (full && givesWay === undefined) {
      const retryMs = Math.max(lateByMs, load.slotHoldMs / load.slots)
      return { admitted: false, reason: 'queue_full', retryAfterMs: bounded(retryMs) }
    }
    // One that waits for nobody would only come again: a long prompt must be served some time.
    const waits = ahead.requests + load.runningPrefillTokens > 0 || load.freeSlots === 0
    if (lateByMs > 0 && waits) {
      return { admitted: false, reason: 'too_late', retryAfterMs: bounded(lateByMs) }
    }
    if (givesWay !== undefined) {
      this.remove(givesWay.id)
      this.#displaced.set(givesWay.id, givesWay)
    }
    const placed = { request, uncached, enteredMs: nowMs, rank }
    this.#placed.set(request.id, placed)
    this.#shares.enter(request)
    this.#enter(placed)
    this.#firstDeadlineMs = Math.min(this.#firstDeadlineMs, request.arrivedMs + firstTokenMs)
    return { admitted: true, predictedFirstTokenMs: predicted }
  }

  /**
   * Removes and returns those whose time to the first token is over, and returns those who
   * gave way to others: to be called every step, before `next`.
   */
  expire(nowMs: number): Waiting[] {
    const late = [...this.#displaced.values()]
    this.#displaced.clear()
    if (nowMs < this.#firstDeadlineMs) return late
    this.#firstDeadlineMs = Infinity
    for (const { request } of this.#placed.values()) {
      const deadline = request.arrivedMs + this.#options.firstTokenMs
      if (deadline <= nowMs) {
        this.remove(request.id)
        late.push(request)
      } else this.#firstDeadlineMs = Math.min(this.#firstDeadlineMs, deadline)
    }
    return late
  }

  /**
   * Takes the next to serve. `cachedTokensOf`: tokens of its prompt that the prefix cache holds now;
   * `ready`: false while it waits for another's prefill (it is passed over and stays).
   */
  next(
    nowMs: number,
    cachedTokensOf: (id: number) => number,
    ready: (id: number) => boolean = () => true,
  ): Waiting | undefined {
    this.#lift(nowMs)
    const serving = { nowMs, agingMs: this.#options.agingMs, cachedTokensOf, ready }
    for (const fair of this.#classes) {
      const entry = fair.take(serving)
      if (entry === undefined) continue
      this.remove(entry.request.id)
      this.#shares.served(entry.request)
      return entry.request
    }
    return undefined
  }

  /** false: it does not wait. */
  remove(id: number): boolean {
    const placed = this.#placed.get(id)
    if (placed === undefined) return this.#displaced.delete(id)
    this.#placed.delete(id)
    this.#shares.leave(placed.request)
    this.#leave(placed)
    return true
  }

  #givesWayTo(rank: number, tenant: string): Waiting | undefined {
    for (let lower = PRIORITIES.length - 1; lower > rank; lower--) {
      const newest = this.#class(lower).newestOfLongest(0)
      if (newest !== undefined) return newest
    }
    // One more for the newcomer, one fewer for the other: still not fewer.
    const own = this.#class(rank)
    return own.newestOfLongest(own.waitingOf(tenant) + 1)
  }

  /** Whole classes above, and of its own what fairness puts before it; those yet to come too. */
  #aheadOf(rank: number, request: Waiting): { requests: number; tokens: number } {
    const ahead = this.#class(rank).aheadOf(request.tenant)
    for (const above of this.#classes.slice(0, rank)) {
      const { requests, tokens } = above.all()
      ahead.requests += requests
      ahead.tokens += tokens
    }
    if (ahead.requests === 0) return ahead
    const requests = Math.max(ahead.requests, this.#shares.turnsUntil(request) - 1)
    return { requests, tokens: (ahead.tokens * requests) / ahead.requests }
  }

  /** The lowest class last, so that nobody rises by two classes at once. */
  #lift(nowMs: number): void {
    for (let rank = 1; rank < PRIORITIES.length; rank++) {
      let lifts = 0
      for (const placed of this.#entered(rank)) {
        if (nowMs - placed.enteredMs < this.#options.agingMs || ++lifts > MOST_LIFTS) break
        this.#leave(placed)
        placed.rank = rank - 1
        placed.enteredMs = nowMs
        this.#enter(placed)
      }
    }
  }

  #enter(placed: Placed): void {
    this.#class(placed.rank).add(placed)
    this.#entered(placed.rank).add(placed)
  }

  #leave(placed: Placed): void {
    this.#class(placed.rank).delete(placed)
    this.#entered(placed.rank).delete(placed)
  }

  #class(rank: number): FairClass {
    return this.#classes[rank]!
  }

  #entered(rank: number): Set<Placed> {
    return this.#byEntry[rank]!
  }
}

const bounded = (ms: number) => Math.min(MOST_RETRY_MS, Math.max(LEAST_RETRY_MS, ms))
