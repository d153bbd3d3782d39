import type { Calibration } from './calibration.ts'
import type { Part } from './decode-context.ts'
import type { DecodeSlots } from './decode-slots.ts'
import type { Guesses } from './drafts.ts'
import type { RowLikelihood, WantedLikelihoods } from './likelihoods.ts'
import type { Outbox } from './outbox.ts'
import type { Pace } from './pace.ts'
import type { Residents } from './residents.ts'
import type { SlotStreams } from './slot-streams.ts'
import { costOf, planDecode, planPrefill, readingOrder } from './step-planner.ts'
import type { DecodeRow, PrefillChunk } from './step-planner.ts'
import type { AnswerVocabulary, Stream } from './stream.ts'

export interface StepsOptions {
  context: DecodeSlots
  vocabulary: AnswerVocabulary
  interTokenMs: number
  shaping: boolean
  /** Guesses for one answer, decoded where it has the slots to itself; undefined: none are made. */
  drafts: (() => Guesses) | undefined
  /** false: this model cannot drop a part of a slot, so nothing is padded or shared. */
  canTruncate: boolean
  calibration: Calibration
}

/** What the loop and its steps have in common. */
interface SharedState extends StepsOptions {
  slots: SlotStreams
  residents: Residents
  pace: Pace
  outbox: Outbox
  now: () => number
  /** Makes text and messages of what the step before gave. */
  flush: () => void
}

/** The steps of the loop: plans one, decodes its batch, and gives each stream what was sampled for it. */
export class Steps {
  readonly #options: SharedState
  readonly #context: DecodeSlots
  readonly #slots: SlotStreams
  readonly #residents: Residents
  readonly #pace: Pace
  readonly #outbox: Outbox
  readonly #now: () => number
  #lastWasDecode = false

  constructor(options: SharedState) {
    this.#options = options
    this.#context = options.context
    this.#slots = options.slots
    this.#residents = options.residents
    this.#pace = options.pace
    this.#outbox = options.outbox
    this.#now = options.now
  }

  /** Those who decode were given a token by the last step. */
  get afterDecode(): boolean {
    return this.#lastWasDecode
  }

  /** A piece was read beside the steps: those who decode are next. */
  heldUp(): void {
    this.#lastWasDecode = false
  }

  /** Decodes one batch; false: there is nothing to decode. */
  async next(): Promise<boolean> {
    const { calibration, shaping } = this.#options
    const views = this.#slots.views()
    const rows = shaping
      ? planDecode(views, calibration.table)
      : views.flatMap(({ doing }, slot) => (doing === 'decode' ? [{ slot, pad: false }] : []))
    const order = (stream: Stream) => readingOrder(stream, this.#pace.prefillTokensPerMs)
    const prompts = this.#slots.running
      .filter((stream) => stream.due > 0)
      .sort((a, b) => order(a) - order(b))
      .map(({ slot, due, total }) => ({ slot, due, total }))
    if (rows.length === 0 && prompts.length === 0) return false
    const decodes = rows.length > 0 && (prompts.length === 0 || !this.#lastWasDecode)
    this.#lastWasDecode = decodes
    if (decodes) {
      await this.#decode(rows)
      return true
    }
    const known = costOf(rows, calibration.table)
    const [next] = prompts
    if (next !== undefined && this.#tellsPrompt(next.slot)) {
      // Logits are kept for a row a slot, and all of its rows have some: nothing else is read with it.
      await this.#prefill([{ slot: next.slot, tokens: Math.min(next.due, this.#context.slots) }])
      return true
    }
    const silent = prompts.filter(({ slot }) => !this.#tellsPrompt(slot))
    await this.#prefill(
      planPrefill(silent, {
        batchSize: this.#context.batchSize,
        tokensPerMs: this.#pace.steadyPrefillTokensPerMs,
        budgetMs: this.#options.interTokenMs,
        // The table knows no long contexts and no others on the same cores.
        decodeMs: rows.length === 0 ? undefined : Math.max(known, this.#pace.steadyDecodeStepMs),
      }),
    )
    return true
  }

  /** Of the stream in `slot`, each prompt token's likelihood is wanted. */
  #tellsPrompt(slot: number): boolean {
    return this.#slots.at(slot).request.promptLogprobs !== undefined
  }

  /**
   * Decodes one row in a slot, and drops it again: while no request runs. There is room for one: the
   * last token of an answer is never decoded.
   */
  async probe(): Promise<void> {
    const { vocabulary } = this.#options
    const views = this.#slots.views()
    const slots = views.map((_, slot) => slot)
    const slot =
      slots.find((each) => this.#slots.lengthOf(each) === 0) ??
      slots.find((each) => views[each]?.padable === true) ??
      0
    const [position, tokens] = [this.#slots.lengthOf(slot), Uint32Array.of(vocabulary.start)]
    await this.#context.decode([{ slot, position, tokens, pad: true }])
    this.#outbox.step()
  }

  async #decode(planned: readonly DecodeRow[]): Promise<void> {
    const asked: { stream: Stream; rows: number; likelihoods?: WantedLikelihoods }[] = []
    const guesses = this.#guesses()
    // Guesses take the place of pad rows: there are logits for one row a slot.
    const rows = guesses.length === 0 ? planned : planned.filter(({ pad }) => !pad)
    const parts = rows.map(({ slot, pad }): Part => {
      const stream = this.#slots.bySlot[slot]
      if (pad || stream === undefined) {
        const tokens = Uint32Array.of(this.#options.vocabulary.start)
        return { slot, position: this.#slots.lengthOf(slot), tokens, pad: true }
      }
      const wanted = likelihoodsOf(stream)
      asked.push({ stream, rows: 1 + guesses.length, ...wanted })
      const tokens = Uint32Array.of(stream.pending ?? 0, ...guesses)
      const position = this.#slots.lengthOf(slot)
      const part = { slot, position, tokens, sampler: stream.sampler, ...wanted }
      return guesses.length === 0 ? part : { ...part, draft: true }
    })
    this.#outbox.shaped('padRows', parts.filter(({ pad }) => pad === true).length)
    const copies = this.#context.copiesDue
    const started = this.#now()
    const sampled = await this.#batch(parts)
    const ms = this.#now() - started
    const known = costOf(planned, this.#options.calibration.table)
    const most = Math.max(1, ...sampled.map(({ length }) => length))
    if (copies === 0) this.#pace.decoded(ms / most)
    else if (known > 0 && guesses.length === 0) this.#pace.copied(copies, ms - known)
    asked.forEach(({ stream, rows: decoded, likelihoods }, at) =>
      this.#take(stream, decoded, sampled[at] ?? [], likelihoods?.rows),
    )
  }

  /** Only of a stream that nobody decodes or reads beside: rows of others are a better use of a step. */
  #guesses(): number[] {
    const { drafts, calibration, canTruncate, interTokenMs } = this.#options
    const [stream, other] = this.#slots.running
    if (drafts === undefined || !canTruncate || stream === undefined || other !== undefined)
      return []
    const { slot, pending = 0, left } = stream
    const { slots, contextSize } = this.#context
    const most = Math.min(slots - 1, left - 1, contextSize - this.#slots.lengthOf(slot) - 1)
    const tokens = [...this.#residents.tokensOf(slot), pending]
    stream.drafts ??= drafts()
    return stream.drafts.propose(tokens, calibration.table, most, interTokenMs)
  }

  /** What was decoded in vain, after a guess that did not come true, is dropped. */
  #take(
    stream: Stream,
    rows: number,
    sampled: readonly number[],
    likelihoods?: readonly RowLikelihood[],
  ): void {
    const { slot } = stream
    const before = this.#slots.lengthOf(slot)
    stream.drafts?.learn(sampled)
    for (const [at, token] of sampled.entries()) {
      this.#residents.extend(slot, [stream.pending ?? 0])
      stream.take(token, likelihoods?.[at])
      if (stream.ended) break
    }
    const held = this.#slots.lengthOf(slot)
    if (held < before + rows) this.#context.truncate(slot, held)
    if (rows > 1)
      this.#outbox.drafted({ accepted: held - before - 1, rejected: before + rows - held })
  }

  async #prefill(chunks: readonly PrefillChunk[]): Promise<void> {
    const parts = chunks.map(({ slot, tokens }) => {
      const stream = this.#slots.at(slot)
      const { computed, request, due, sampler } = stream
      const end = computed + tokens
      const { promptLogprobs: top } = request
      const known = request.prompt.slice(computed + 1, end + 1)
      const part: Part = {
        ...{ slot, position: computed },
        tokens: Uint32Array.from(request.prompt.slice(computed, end)),
        ...(top === undefined ? {} : { known: { tokens: known, top, rows: [] } }),
      }
      return {
        stream,
        part: tokens === due ? { ...part, sampler, ...likelihoodsOf(stream) } : part,
      }
    })
    const copies = this.#context.copiesDue
    const started = this.#now()
    const sampled = await this.#batch(parts.map(({ part }) => part))
    const total = parts.reduce((sum, { part }) => sum + part.tokens.length, 0)
    this.#pace.prefilled(total, this.#now() - started, copies)
    for (const { stream, part } of parts) {
      stream.computed += part.tokens.length
      this.#residents.extend(stream.slot, part.tokens)
      this.#residents.version++
      if (part.known !== undefined) stream.takePrompt(part.known.rows)
      if (part.sampler === undefined) continue
      stream.take(sampled.shift()?.[0] ?? 0, part.likelihoods?.rows[0])
    }
  }

  /** Output of the step before is made while this one runs. */
  async #batch(parts: readonly Part[]): Promise<number[][]> {
    const decoding = this.#context.decode(parts)
    this.#options.flush()
    const sampled = await decoding
    this.#outbox.step()
    return sampled
  }
}

/** What a stream wants to be told of the tokens that are sampled for it. */
function likelihoodsOf({ request }: Stream): { likelihoods?: WantedLikelihoods } {
  const { topLogprobs: top } = request
  return top === undefined ? {} : { likelihoods: { top, rows: [] } }
}
