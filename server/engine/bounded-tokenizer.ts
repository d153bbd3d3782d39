/** Characters that are tried first: so many are tokenized in some ten milliseconds. */
const FIRST = 32_768
/** A piece that is cut off differs from the whole in its last word. */
const LAST_WORD = 64

/** A text of more tokens than any prompt may have; the rest of it was not looked at. */
export class TooManyTokens extends Error {
  override readonly name = 'TooManyTokens'
  /** At least. */
  readonly tokens: number

  constructor(tokens: number) {
    super('more tokens than fit')
    this.tokens = tokens
  }
}

/**
 * Tokenizes texts of up to `most` tokens. A longer one is refused by its beginning: tokenizing all that
 * a client may send would hold up every answer. Throws TooManyTokens.
 */
export function boundedTokenizer(
  tokenize: (text: string, special: boolean) => number[],
  most: number,
): (text: string, special: boolean) => number[] {
  return (text, special) => {
    for (let length = FIRST; length < text.length; length *= 2) {
      const beginning = tokenize(text.slice(0, length), special)
      if (beginning.length > most + LAST_WORD) throw new TooManyTokens(beginning.length)
    }
    return tokenize(text, special)
  }
}
