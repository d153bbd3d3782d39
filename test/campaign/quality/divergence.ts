/** What llama-perplexity prints of a model that it compares with another one's saved probabilities. Pure. */

/** An estimate with its standard error. */
export interface Measured {
  value: number
  error: number
}

export interface Divergence {
  perplexity: Measured
  /** Of the model that is compared with. */
  reference: Measured
  /** Mean Kullback-Leibler divergence from it, nats a token. */
  mean: Measured
}

/** Throws where a figure is missing: the tool ends with status 0 whatever happened. */
export function divergenceOf(printed: string): Divergence {
  const read = (name: string, pattern: RegExp): Measured => {
    const [, value, error] = pattern.exec(printed) ?? []
    if (value === undefined || error === undefined) {
      throw new Error(`llama-perplexity printed no ${name}: ${printed.slice(-500)}`)
    }
    return { value: Number(value), error: Number(error) }
  }
  return {
    perplexity: read('perplexity', /^Mean PPL\(Q\) +: +(\d+\.\d+) ± +(\d+\.\d+)$/m),
    reference: read('perplexity of the other', /^Mean PPL\(base\) +: +(\d+\.\d+) ± +(\d+\.\d+)$/m),
    mean: read('divergence', /^Mean +KLD: +(\d+\.\d+) ± +(\d+\.\d+)$/m),
  }
}

/** Ours may be so much further from the exact probabilities than stock's. */
export const MOST_BEYOND = 1.02
/** Beyond so many standard errors a difference is none of chance. */
const CHANCE = 2

/** What of the promise is not kept. */
export function worseThan(stock: Divergence, ours: Divergence): string[] {
  const same = stock.mean.value === ours.mean.value
  if (same && stock.perplexity.value === ours.perplexity.value) {
    return ['both computed with the same kernels: nothing is proved']
  }
  const beyond = ours.mean.value - MOST_BEYOND * stock.mean.value
  const error = Math.hypot(ours.mean.error, MOST_BEYOND * stock.mean.error)
  if (beyond <= CHANCE * error) return []
  const ratio = (ours.mean.value / stock.mean.value).toPrecision(4)
  return [`our divergence is ${ratio} of stock's, allowed is ${MOST_BEYOND} and chance`]
}
