/** Log probabilities of tokens, as the engine gives them and as OpenAI shows them. */
export interface TokenLikelihood {
  /** Its bytes: a token may be a part of a character. */
  bytes: readonly number[]
  /** Natural logarithm of its probability; of the first token of a prompt there is none. */
  logprob?: number
  /** The likeliest tokens at its place, the likeliest first. */
  top: readonly { bytes: readonly number[]; logprob: number }[]
}

const decoder = new TextDecoder()
const textOf = (bytes: readonly number[]) => decoder.decode(Uint8Array.from(bytes))

const shown = ({ bytes, logprob }: { bytes: readonly number[]; logprob?: number }) => ({
  token: textOf(bytes),
  logprob: logprob ?? null,
  bytes,
})

/** Of a chat's choice or chunk. */
export const chatLogprobs = (tokens: readonly TokenLikelihood[]) => ({
  content: tokens.map((token) => ({ ...shown(token), top_logprobs: token.top.map(shown) })),
  refusal: null,
})

/** Of a plain completion; `from` is where the first token's text begins in the answer, in characters. */
export function completionLogprobs(tokens: readonly TokenLikelihood[], from: number) {
  const texts = tokens.map(({ bytes }) => textOf(bytes))
  let offset = from
  const offsets = texts.map((text) => {
    const at = offset
    offset += text.length
    return at
  })
  return {
    tokens: texts,
    token_logprobs: tokens.map(({ logprob }) => logprob ?? null),
    top_logprobs: tokens.map(({ top, logprob }) => (logprob === undefined ? null : likely(top))),
    text_offset: offsets,
  }
}

function likely(top: TokenLikelihood['top']): Record<string, number> {
  const likeliest: Record<string, number> = {}
  for (const { bytes, logprob } of top) {
    const text = textOf(bytes)
    // Two tokens may have the same text: the likelier one came first.
    if (!Object.hasOwn(likeliest, text)) likeliest[text] = logprob
  }
  return likeliest
}
