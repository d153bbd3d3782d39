import type { GenerateRequest } from './engine.ts'
import type { Residents } from './residents.ts'
import type { Stream } from './stream.ts'

interface Waiter {
  request: GenerateRequest
  /** Of what `Residents` held in that version. */
  cached?: { version: number; tokens: number }
}

/** A follower waits for another's prefill when that spares it so many tokens. */
const WORTH_WAITING = 32

/** Requests that wait, and what of their prompts is held already. */
export class Waiters {
  readonly #residents: Residents
  readonly #waiters = new Map<number, Waiter>()

  constructor(residents: Residents) {
    this.#residents = residents
  }

  add(id: number, request: GenerateRequest): void {
    this.#waiters.set(id, { request })
  }

  /** No longer waits; undefined: it did not. */
  take(id: number): GenerateRequest | undefined {
    const waiter = this.#waiters.get(id)
    this.#waiters.delete(id)
    return waiter?.request
  }

  cachedTokens(id: number): number {
    const waiter = this.#waiters.get(id)
    if (waiter === undefined) return 0
    const { version } = this.#residents
    if (waiter.cached?.version !== version) {
      const boundary = this.#residents.boundaryOf(waiter.request)
      const tokens = this.#residents.cachedTokens(boundary, waiter.request.prompt)
      waiter.cached = { version, tokens }
    }
    return waiter.cached.tokens
  }

  /** Its prompt shares more with one that is being evaluated than with anything that is there. */
  waitsFor(id: number, running: readonly Stream[]): boolean {
    const request = this.#waiters.get(id)?.request
    if (request === undefined) return false
    const boundary = this.#residents.boundaryOf(request)
    const cached = this.cachedTokens(id)
    return running.some((leader) => {
      if (leader.due === 0 || leader.ended || leader.boundary !== boundary) return false
      const common = commonLength(leader.request.prompt, request.prompt)
      return common > leader.computed && common >= cached + WORTH_WAITING
    })
  }
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length)
  let same = 0
  while (same < end && a[same] === b[same]) same++
  return same
}
