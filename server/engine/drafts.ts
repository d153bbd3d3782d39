import type { CostTable } from './cost-table.ts'
import { RepeatedText } from './repeated-text.ts'

/** Weight of the newest guess in the rate of those that came true. */
const WEIGHT = 0.15
const FIRST_RATE = 0.5
/** A step with a draft must be so much better than one without: costs and rates are estimates. */
const LEAST_GAIN = 0.05

export type Guesses = Pick<Drafts, 'propose' | 'learn'>

/** Guesses of one answer, and how often they come true: known before any is decoded, since each is compared. */
export class Drafts {
  readonly #text = new RepeatedText()
  #rate = FIRST_RATE
  #guess: number[] = []

  /** Tokens that are worth decoding beside the last of `tokens`; none where that does not pay. */
  propose(tokens: readonly number[], cost: CostTable, most: number, budgetMs: number): number[] {
    this.#guess = this.#text.after(tokens, Math.max(1, most))
    return this.#guess.slice(
      0,
      draftLength(this.#rate, cost, Math.min(most, this.#guess.length), budgetMs),
    )
  }

  /** What was sampled in place of the last guess, up to the first that differs from it. */
  learn(sampled: readonly number[]): void {
    sampled.slice(0, this.#guess.length).forEach((token, at) => {
      this.#rate += WEIGHT * ((token === this.#guess[at] ? 1 : 0) - this.#rate)
    })
    this.#guess = []
  }
}

/**
 * How many guesses give most tokens a millisecond, if each comes true with the probability `rate` and is
 * worth nothing after one that does not. Pure.
 */
export function draftLength(rate: number, cost: CostTable, most: number, budgetMs: number): number {
  if (!cost.known) return 0
  let best = { length: 0, tokensPerMs: (1 + LEAST_GAIN) / cost.of(1) }
  let expected = 1
  for (let length = 1; length <= most; length++) {
    expected += rate ** length
    const ms = cost.of(length + 1)
    if (ms <= budgetMs && expected / ms > best.tokensPerMs) {
      best = { length, tokensPerMs: expected / ms }
    }
  }
  return best.length
}
