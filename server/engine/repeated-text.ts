/** So many tokens must be equal before what followed them counts as a guess. */
const LENGTH = 4

/**
 * Guesses what comes next in an answer from what followed the same tokens before: answers that quote,
 * correct or sum up their prompt repeat long parts of it. Needs no second model and no pass through one.
 */
export class RepeatedText {
  /** By hash of LENGTH tokens: where the last such ended. */
  readonly #ends = new Map<number, number>()
  #indexed = LENGTH

  /** At most `most` tokens that may follow `tokens`, which have only grown since the last call. */
  after(tokens: readonly number[], most: number): number[] {
    // Nothing follows the end itself yet.
    for (; this.#indexed < tokens.length; this.#indexed++) {
      this.#ends.set(hashBefore(tokens, this.#indexed), this.#indexed)
    }
    const end = this.#ends.get(hashBefore(tokens, tokens.length))
    if (end === undefined || !sameBefore(tokens, end, tokens.length)) return []
    return tokens.slice(end, end + most)
  }
}

function hashBefore(tokens: readonly number[], end: number): number {
  let hash = 0x811c9dc5
  for (let at = end - LENGTH; at < end; at++) hash = Math.imul(hash ^ (tokens[at] ?? 0), 0x01000193)
  return hash
}

function sameBefore(tokens: readonly number[], a: number, b: number): boolean {
  for (let back = 1; back <= LENGTH; back++) if (tokens[a - back] !== tokens[b - back]) return false
  return true
}
