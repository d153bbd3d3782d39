import { AnswerText } from './answer-text.ts'
import type { Boundary } from './boundary.ts'
import type { Guesses } from './drafts.ts'
import { NO_TOKEN } from './decode-context.ts'
import type { FinishReason, GenerateRequest, Piece, TokenLikelihood } from './engine.ts'
import type { RowLikelihood } from './likelihoods.ts'
import type { NativeSampler } from './native.ts'
import type { Vocabulary } from './vocabulary.ts'

/** What an answer needs of the model's tokens. */
export type AnswerVocabulary = Pick<
  Vocabulary,
  'start' | 'isEnd' | 'detokenize' | 'bytesOf' | 'tokensNamed'
>

/** A token that was sampled, and how likely it was where somebody wants to know. */
interface Fresh {
  token: number
  likelihood: RowLikelihood | undefined
}

/** Streams end before `maxTokens` as often as not. */
const LIKELY_SHARE_LEFT = 0.5

/** A request that has a slot. */
export class Stream {
  readonly id: number
  readonly request: GenerateRequest
  readonly boundary: Boundary
  readonly sampler: NativeSampler
  readonly startedMs: number
  readonly cachedTokens: number
  slot: number
  /** Prompt tokens whose keys and values the slot holds. */
  computed: number
  /** Sampled and not yet decoded; undefined while the prompt is under way. */
  pending: number | undefined
  /** Tokens of the answer so far. */
  generated = 0
  /** Nothing more is decoded for it. */
  ended = false
  /** It ended because the model gave no token. */
  failed = false
  /** Made when it is first served alone. */
  drafts: Guesses | undefined
  readonly #text: AnswerText
  readonly #isEnd: (token: number) => boolean
  /** Sampled and not yet turned into text. */
  readonly #fresh: Fresh[] = []
  /** Not yet told. */
  readonly #likelihoods: TokenLikelihood[] = []
  readonly #promptLikelihoods: RowLikelihood[] = []
  #endLikelihood: RowLikelihood | undefined
  readonly #vocabulary: AnswerVocabulary
  #finish: FinishReason | undefined
  #first = true
  /** The piece with `finish` was given. */
  #closed = false
  #unsent = 0

  constructor(
    id: number,
    request: GenerateRequest,
    place: { slot: number; boundary: Boundary; cachedTokens: number; startedMs: number },
    sampler: NativeSampler,
    vocabulary: AnswerVocabulary,
  ) {
    this.id = id
    this.request = request
    this.boundary = place.boundary
    this.slot = place.slot
    this.startedMs = place.startedMs
    this.cachedTokens = place.cachedTokens
    this.computed = place.cachedTokens
    this.sampler = sampler
    this.#vocabulary = vocabulary
    this.#isEnd = (token) => !request.ignoreEos && vocabulary.isEnd(token)
    const shown = vocabulary.tokensNamed(request.markers ?? [])
    this.#text = new AnswerText(
      (tokens, before) => vocabulary.detokenize(tokens, before, shown),
      request.stop,
    )
  }

  /** Prompt tokens that were due when it came to its slot. */
  get total(): number {
    return this.request.prompt.length - this.cachedTokens
  }

  /** Prompt tokens still to evaluate. */
  get due(): number {
    return this.request.prompt.length - this.computed
  }

  /** Tokens of the answer that may still come. */
  get left(): number {
    return this.request.maxTokens - this.generated
  }

  /** The same as a guess: it may end itself. */
  get likelyLeft(): number {
    return this.left * LIKELY_SHARE_LEFT
  }

  /** Takes a sampled token. Only what decides the next step: text is made while that step runs. */
  take(token: number, likelihood?: RowLikelihood): void {
    if (this.ended) return
    if (token === NO_TOKEN) {
      this.failed = this.ended = true
      return
    }
    if (this.#isEnd(token)) {
      this.#endLikelihood = likelihood
      this.#end('stop')
      return
    }
    this.#fresh.push({ token, likelihood })
    this.pending = token
    if (++this.generated >= this.request.maxTokens) this.#end('length')
  }

  /** Of prompt tokens that were evaluated, in their order; the first one has none. */
  takePrompt(rows: readonly RowLikelihood[]): void {
    this.#promptLikelihoods.push(...rows)
  }

  /** What may be sent now; undefined: nothing yet. Ends the stream when a stop string is met. */
  piece(): Piece | undefined {
    // A stop string is found while one step more runs: what that gives is no part of the answer.
    if (this.#closed) return undefined
    let text = ''
    if (this.#fresh.length === 0 && this.#finish === undefined) return undefined
    let tokens = 0
    for (const { token, likelihood } of this.#fresh.splice(0)) {
      const released = this.#text.push(token)
      tokens++
      if (likelihood !== undefined) this.#likelihoods.push(this.#told(likelihood))
      text += released.text
      if (!released.stopped) continue
      this.#endAtStop()
      return this.#pieceOf(text, tokens)
    }
    if (this.#finish === undefined) {
      return text === '' && !this.#first ? this.#silent(tokens) : this.#pieceOf(text, tokens)
    }
    const rest = this.#text.flush()
    if (rest.stopped) this.#endAtStop()
    return this.#pieceOf(text + rest.text, tokens)
  }

  /** Tokens whose text is held back are counted with the next piece. */
  #silent(tokens: number): undefined {
    this.#unsent += tokens
    return undefined
  }

  #pieceOf(text: string, tokens: number): Piece {
    const piece: Piece = { text, tokens: tokens + this.#unsent }
    if (this.#first) {
      piece.cachedTokens = this.cachedTokens
      if (this.request.promptLogprobs !== undefined) piece.promptLikelihoods = this.#toldOfPrompt()
    }
    if (this.request.topLogprobs !== undefined) piece.likelihoods = this.#likelihoods.splice(0)
    if (this.#endLikelihood !== undefined) piece.endLikelihood = this.#told(this.#endLikelihood)
    if (this.#finish !== undefined) piece.finish = this.#finish
    this.#closed = this.#finish !== undefined
    this.#first = false
    this.#unsent = 0
    return piece
  }

  #toldOfPrompt(): TokenLikelihood[] {
    const first = this.request.prompt[0] ?? 0
    const rest = this.#promptLikelihoods.splice(0).map((row) => this.#told(row))
    return [{ bytes: this.#vocabulary.bytesOf(first), top: [] }, ...rest]
  }

  #told({ token, logprob, top }: RowLikelihood): TokenLikelihood {
    const bytesOf = (each: number) => this.#vocabulary.bytesOf(each)
    return {
      ...{ bytes: bytesOf(token), logprob },
      top: top.map((other) => ({ bytes: bytesOf(other.token), logprob: other.logprob })),
    }
  }

  /** At a stop string: what the model ended with after it is no part of the answer. */
  #endAtStop(): void {
    this.#endLikelihood = undefined
    this.#end('stop')
  }

  #end(finish: FinishReason): void {
    this.#finish = finish
    this.ended = true
  }
}
