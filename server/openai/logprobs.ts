/** Log probabilities of tokens, as the engine gives them and as OpenAI shows them. */
export interface TokenLikelihood {
  /** Its bytes: a token may be a part of a character. */
  bytes: readonly number[]
  /** Natural logarithm of its probability; of the first token of a prompt there is none. */
  logprob?: number
  /** The likeliest tokens at its place, the likeliest first. */
  top: readonly { bytes: readonly number[]; logprob: number }[]
}

/** A byte order mark is text like any other. */
const AS_IT_IS = { ignoreBOM: true }
const decoder = new TextDecoder('utf-8', AS_IT_IS)
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

/** Of a plain completion; `offsets`: where the text of each token begins in the answer. */
export const completionLogprobs = (
  tokens: readonly TokenLikelihood[],
  offsets: readonly number[],
) => ({
  tokens: tokens.map(({ bytes }) => textOf(bytes)),
  token_logprobs: tokens.map(({ logprob }) => logprob ?? null),
  top_logprobs: tokens.map(({ top, logprob }) => (logprob === undefined ? null : likely(top))),
  text_offset: offsets,
})

/**
 * Where the texts of tokens begin in the answer that they make up, in characters (code points, as vLLM
 * counts them). A token that goes on with a character begins where that does.
 */
export class TextOffsets {
  readonly #decoder = new TextDecoder('utf-8', AS_IT_IS)
  #at = 0

  /** Of the tokens that come next. */
  of(tokens: readonly TokenLikelihood[]): number[] {
    return tokens.map(({ bytes }) => {
      const at = this.#at
      const whole = this.#decoder.decode(Uint8Array.from(bytes), { stream: true })
      this.#at += Array.from(whole).length
      return at
    })
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
