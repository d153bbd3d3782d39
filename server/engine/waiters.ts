import type { GenerateRequest } from './engine.ts'
import { PrefixTree } from './prefix-tree.ts'
import type { NativeGrammarState } from './native.ts'
import type { Residents } from './residents.ts'
import type { Stream } from './stream.ts'

interface Waiter {
  request: GenerateRequest
  /** Of what the answer must be; undefined: any text. */
  grammar: NativeGrammarState | undefined
  /** Of what `Residents` held in that version. */
  cached?: { version: number; tokens: number }
}

/** A follower waits for another's prefill when that spares it so many tokens. */
const WORTH_WAITING = 32

/** Requests that wait, and what of their prompts is held already. */
export class Waiters {
  readonly #residents: Residents
  readonly #waiters = new Map<number, Waiter>()
  /** Prompts of those that wait, by id: what they share is evaluated once. */
  readonly #prompts = new PrefixTree<number>()

  constructor(residents: Residents) {
    this.#residents = residents
  }

  add(id: number, request: GenerateRequest, grammar?: NativeGrammarState): void {
    this.#waiters.set(id, { request, grammar })
    this.#prompts.set(id, this.#residents.boundaryOf(request), request.prompt)
  }

  /** No longer waits; undefined: it did not. */
  take(id: number): Pick<Waiter, 'request' | 'grammar'> | undefined {
    const waiter = this.#waiters.get(id)
    this.#waiters.delete(id)
    this.#prompts.delete(id)
    return waiter
  }

  cachedTokens(id: number): number {
    const waiter = this.#waiters.get(id)
    if (waiter === undefined || evaluatesAll(waiter.request)) return 0
    const { version } = this.#residents
    if (waiter.cached?.version !== version) {
      const boundary = this.#residents.boundaryOf(waiter.request)
      const tokens = this.#residents.cachedTokens(boundary, waiter.request.prompt)
      waiter.cached = { version, tokens }
    }
    return waiter.cached.tokens
  }

  /**
   * Tokens of its prompt that are held now, or will be by the work of others: an estimate, for who
   * shares them may still leave.
   */
  expectedTokens(id: number, running: readonly Stream[]): number {
    const request = this.#waiters.get(id)?.request
    if (request === undefined || evaluatesAll(request)) return 0
    const boundary = this.#residents.boundaryOf(request)
    const among = (other: number) => other !== id
    const waiting = this.#prompts.longest(boundary, request.prompt, { among })?.length ?? 0
    const shared = running
      .filter((leader) => leader.due > 0 && !leader.ended && leader.boundary === boundary)
      .map((leader) => commonLength(leader.request.prompt, request.prompt))
    const expected = Math.min(Math.max(waiting, ...shared), request.prompt.length - 1)
    const held = this.cachedTokens(id)
    return expected >= held + WORTH_WAITING ? expected : held
  }

  /** Its prompt shares more with one that is being evaluated than with anything that is there. */
  waitsFor(id: number, running: readonly Stream[]): boolean {
    const request = this.#waiters.get(id)?.request
    if (request === undefined || evaluatesAll(request)) return false
    const boundary = this.#residents.boundaryOf(request)
    const cached = this.cachedTokens(id)
    return running.some((leader) => {
      if (leader.due === 0 || leader.ended || leader.boundary !== boundary) return false
      const common = commonLength(leader.request.prompt, request.prompt)
      return common > leader.computed && common >= cached + WORTH_WAITING
    })
  }
}

/** Likelihoods of a prompt's tokens are nowhere but in their evaluation. */
export const evaluatesAll = ({ promptLogprobs }: GenerateRequest): boolean =>
  promptLogprobs !== undefined

function commonLength(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length)
  let same = 0
  while (same < end && a[same] === b[same]) same++
  return same
}
