import type { NativeContext, NativeSampler } from './native.ts'

/** Of one row: the logarithm of a token's probability, and the likeliest tokens, the likeliest first. */
export interface RowLikelihood {
  token: number
  logprob: number
  top: readonly { token: number; logprob: number }[]
}

/** Likelihoods that a part of a batch asks for; `rows` are filled as it is decoded. */
export interface WantedLikelihoods {
  /** So many of the likeliest tokens beside the one. */
  top: number
  rows: RowLikelihood[]
}

/** JSON has no infinite number, and nobody reads one: a token that cannot be. */
const IMPOSSIBLE = -9999

/** Of each row of the last batch (`indexes`) the likelihood of a token. */
export async function likelihoodsOf(
  native: NativeContext,
  greedy: () => NativeSampler,
  { indexes, tokens, top }: { indexes: readonly number[]; tokens: readonly number[]; top: number },
): Promise<RowLikelihood[]> {
  if (native.rowLikelihoods === undefined) {
    const rows: RowLikelihood[] = []
    for (const [at, token] of tokens.entries()) {
      rows.push(await oneLikelihood(native, greedy(), indexes[at] ?? 0, token, top))
    }
    return rows
  }
  const [logprobs, topTokens, topLogprobs] = await native.rowLikelihoods(
    Uint32Array.from(indexes),
    Uint32Array.from(tokens),
    top,
  )
  return tokens.map((token, row) => ({
    ...{ token, logprob: finite(logprobs[row] ?? -Infinity) },
    top: Array.from({ length: top }, (_, rank) => ({
      token: topTokens[row * top + rank] ?? 0,
      logprob: finite(topLogprobs[row * top + rank] ?? -Infinity),
    })),
  }))
}

/** Without the compiled addon: the sampler's own report of a row, which sorts the whole vocabulary. */
async function oneLikelihood(
  native: NativeContext,
  sampler: NativeSampler,
  index: number,
  token: number,
  top: number,
): Promise<RowLikelihood> {
  const asked: Asked = [[token], false, false, false, Math.max(1, top)]
  const [, , , logits = [], weight] = await native.sampleToken(
    ...([index, sampler, false, false, asked, true] as const),
  )
  const pairs = Array.from({ length: logits.length / 2 }, (_, at) => ({
    token: logits[2 * at] ?? 0,
    logit: logits[2 * at + 1] ?? -Infinity,
  }))
  const most = Math.max(...pairs.map(({ logit }) => logit))
  // The weight is that of all tokens, in units of the likeliest one's.
  const logprobOf = (logit: number) => finite(logit - most - Math.log(weight))
  const own = pairs.find((pair) => pair.token === token)
  const likeliest = pairs
    .filter((pair, at) => pairs.findIndex((other) => other.token === pair.token) === at)
    .sort((a, b) => b.logit - a.logit)
  return {
    token,
    logprob: logprobOf(own?.logit ?? -Infinity),
    top: likeliest.slice(0, top).map((pair) => ({
      token: pair.token,
      logprob: logprobOf(pair.logit),
    })),
  }
}

type Asked = readonly [number[], boolean, boolean, boolean, number]

const finite = (logprob: number) => (Number.isFinite(logprob) ? Math.min(0, logprob) : IMPOSSIBLE)
