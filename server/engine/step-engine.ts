import type { Calibration } from './calibration.ts'
import type { Part } from './decode-context.ts'
import type { DecodeSlots } from './decode-slots.ts'
import type { Guesses } from './drafts.ts'
import type { GenerateRequest } from './engine.ts'
import type { ListedPrompts } from './listed-prompts.ts'
import { loadOf } from './load.ts'
import { Outbox } from './outbox.ts'
import type { Round } from './outbox.ts'
import { Pace } from './pace.ts'
import { Residents } from './residents.ts'
import type { Source } from './residents.ts'
import type { SavedPrefixes } from './saved-prefixes.ts'
import { samplingOptions } from './sampling-options.ts'
import { chooseSlot, costOf, planDecode, planMoves, planPrefill } from './step-planner.ts'
import type { DecodeRow, PrefillChunk, SlotView } from './step-planner.ts'
import { Stream } from './stream.ts'
import type { AnswerVocabulary } from './stream.ts'
import { Waiters } from './waiters.ts'
import { WaitingLine } from './waiting-line.ts'
import { WarmUp } from './warm-up.ts'

export interface StepEngineOptions {
  context: DecodeSlots
  vocabulary: AnswerVocabulary
  digest: string
  maxQueued: number
  firstTokenMs: number
  interTokenMs: number
  shaping: boolean
  /** Guesses for one answer, decoded where it has the slots to itself; undefined: none are made. */
  drafts: (() => Guesses) | undefined
  prefixCache: boolean
  /** false: this model cannot drop a part of a slot, so nothing is padded or shared. */
  canTruncate: boolean
  saved: SavedPrefixes | undefined
  /** The operator's system prompts; absent: there are none. */
  listed?: ListedPrompts | undefined
  /** Of the model, tokens; absent without one. */
  slidingWindow?: number | undefined
  /** Resolves when native code no longer reads a slot to save it. */
  untilSlotsAreFree?: () => Promise<void>
  calibration: Calibration
  /** Called once a step with all that the streams have to say. */
  report: (round: Round) => void
  /** Milliseconds; replaced where time is simulated. */
  now?: () => number
}

/** Tokens of a system prompt that are evaluated at once, whatever they take. */
const LEAST_PIECE = 16
/**
 * The loop that owns the slots: admit, plan, decode one batch, sample, emit. What the last step gave is
 * turned into text and sent while the next one runs.
 */
export class StepEngine {
  readonly #options: StepEngineOptions
  readonly #context: DecodeSlots
  readonly #line: WaitingLine
  readonly #waiters: Waiters
  readonly #outbox: Outbox
  /** By slot. */
  readonly #streams: (Stream | undefined)[]
  readonly #residents: Residents
  readonly #warmUp: WarmUp | undefined
  readonly #pace = new Pace()
  /** Prefixes are kept and copied. */
  readonly #shares: boolean
  readonly #cancelled = new Set<number>()
  readonly #now: () => number
  #lastWasDecode = false
  #busyMs: number
  #wake: (() => void) | undefined

  constructor(options: StepEngineOptions) {
    const { context, digest, canTruncate, saved } = options
    this.#options = options
    this.#context = context
    this.#outbox = new Outbox(options.report)
    this.#now = options.now ?? (() => performance.now())
    this.#busyMs = this.#now()
    this.#streams = Array.from({ length: context.slots }, () => undefined)
    this.#line = new WaitingLine({
      maxQueued: options.maxQueued,
      firstTokenMs: options.firstTokenMs,
    })
    const on = options.prefixCache && canTruncate
    this.#shares = on
    const { listed, slidingWindow, untilSlotsAreFree = () => Promise.resolve() } = options
    const held = on ? { saved, listed } : { saved: undefined, listed: undefined }
    this.#residents = new Residents(context, { digest, on, slidingWindow, ...held })
    this.#waiters = new Waiters(this.#residents)
    if (held.listed === undefined) return
    this.#warmUp = new WarmUp({
      ...{ context, residents: this.#residents, listed: held.listed, memory: saved },
      ...{ untilSlotsAreFree, now: this.#now },
    })
  }

  /** Loads the system prompts that were saved; call it before `run`. */
  async warmUp(): Promise<void> {
    await this.#warmUp?.load()
  }

  /** Prompt tokens of tenants that needed no evaluation, by where they came from. */
  get cacheHits(): Readonly<Record<Source, number>> {
    return this.#residents.hits
  }

  /** Queues a request; what becomes of it is reported under `id`. */
  submit(id: number, request: GenerateRequest): void {
    const now = this.#now()
    const waiting = {
      ...{ id, tenant: request.tenant, priority: request.priority, arrivedMs: now },
      ...{ promptTokens: request.prompt.length, maxTokens: request.maxTokens },
    }
    this.#waiters.add(id, request)
    const load = loadOf(this.#streams, this.#pace, this.#options.interTokenMs)
    const cached = this.#shares ? this.#waiters.expectedTokens(id, this.#running()) : 0
    const offer = this.#line.offer(waiting, cached, load, now)
    if (!offer.admitted) {
      this.#waiters.take(id)
      this.#outbox.refuse(id, offer.reason, offer.retryAfterMs)
    }
    this.#wake?.()
  }

  /** Takes effect before the next step; a call that ended already is unknown. */
  cancel(id: number): void {
    this.#cancelled.add(id)
    this.#wake?.()
  }

  /** Never ends; throws when the native engine fails, which nothing here can mend. */
  async run(): Promise<never> {
    while (true) {
      this.#drop()
      await this.#admit()
      await this.#compact()
      const stepped = await this.#step()
      if (!stepped) this.#flush()
      const warmed = await this.#warm(stepped)
      if (stepped || warmed) {
        this.#busyMs = this.#now()
        continue
      }
      const { calibration } = this.#options
      const dueMs = calibration.dueIn(this.#now() - this.#busyMs)
      if (dueMs === 0) await calibration.measure()
      else await this.#wait(dueMs)
    }
  }

  /** Until something comes, or `atMostMs` have passed. */
  async #wait(atMostMs: number | undefined): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (this.#line.size > 0 || this.#cancelled.size > 0) resolve()
      else if (atMostMs !== undefined) timer = setTimeout(resolve, atMostMs)
    })
    clearTimeout(timer)
    this.#wake = undefined
  }

  /** A piece of a system prompt that is held nowhere; a newcomer waits for it no longer than others. */
  async #warm(busy: boolean): Promise<boolean> {
    if (this.#warmUp === undefined) return false
    const free = this.#streams.flatMap((stream, slot) => (stream === undefined ? [slot] : []))
    const tokens = Math.floor(this.#pace.prefillTokensPerMs * this.#options.interTokenMs)
    return await this.#warmUp.next(Math.max(LEAST_PIECE, tokens), free, busy)
  }

  /** Frees the slots of those who left or ended. */
  #drop(): void {
    for (const id of this.#cancelled) {
      if (!this.#line.remove(id)) continue
      this.#waiters.take(id)
      this.#outbox.end(id)
    }
    for (const stream of this.#running()) {
      if (stream.ended || this.#cancelled.has(stream.id)) this.#leave(stream)
    }
    this.#cancelled.clear()
  }

  #leave(stream: Stream): void {
    const now = this.#now()
    this.#streams[stream.slot] = undefined
    this.#residents.leave(stream.slot, now)
    this.#context.returnSampler(stream.sampler)
    this.#pace.held(now - stream.startedMs)
    this.#outbox.say(stream)
    this.#outbox.end(stream.id)
  }

  async #admit(): Promise<void> {
    const now = this.#now()
    for (const { id } of this.#line.expire(now)) {
      this.#waiters.take(id)
      this.#outbox.refuse(id, 'too_late', this.#pace.holdMs)
    }
    while (this.#line.size > 0 && this.#streams.includes(undefined)) {
      const next = this.#line.next(
        this.#now(),
        (id) => this.#waiters.cachedTokens(id),
        (id) => !this.#shares || !this.#waiters.waitsFor(id, this.#running()),
      )
      if (next === undefined) return
      const request = this.#waiters.take(next.id)
      if (request !== undefined) await this.#place(next.id, request)
    }
  }

  async #place(id: number, request: GenerateRequest): Promise<void> {
    const boundary = this.#residents.boundaryOf(request)
    const views = this.#views()
    const free = views.flatMap(({ doing }, slot) => (doing === 'nothing' ? [slot] : []))
    const wanted = chooseSlot(views, this.#residents.lastUsed)
    const holder = this.#residents.holderAmong(free, boundary, request.prompt)
    const slot = free.length === views.length ? (holder ?? wanted) : wanted
    if (slot === undefined) throw new Error('a request was taken while no slot was free')
    const startedMs = this.#now()
    const cachedTokens = await this.#residents.occupy(slot, boundary, request.prompt, startedMs)
    this.#streams[slot] = new Stream(
      id,
      request,
      { slot, boundary, cachedTokens, startedMs },
      this.#context.takeSampler(samplingOptions(request)),
      this.#options.vocabulary,
    )
  }

  /** Streams move together where that pays. */
  async #compact(): Promise<void> {
    const { calibration, shaping } = this.#options
    if (!shaping) return
    const left = this.#streams.map((stream) => stream?.likelyLeft ?? 0)
    const moves = planMoves(this.#views(), calibration.table, left, this.#pace.copyMs)
    for (const { from, to } of moves) {
      const stream = this.#streamIn(from)
      const now = this.#now()
      await this.#residents.move(from, to, now)
      this.#streams[to] = stream
      this.#streams[from] = undefined
      stream.slot = to
      this.#residents.leave(from, now)
    }
  }

  /** Decodes one batch; false: there is nothing to decode. */
  async #step(): Promise<boolean> {
    const { calibration, shaping } = this.#options
    const views = this.#views()
    const rows = shaping
      ? planDecode(views, calibration.table)
      : views.flatMap(({ doing }, slot) => (doing === 'decode' ? [{ slot, pad: false }] : []))
    const prompts = this.#running()
      .filter((stream) => stream.due > 0)
      .sort((a, b) => a.startedMs - b.startedMs)
      .map((stream) => ({
        ...{ slot: stream.slot, due: stream.due },
        total: stream.request.prompt.length - stream.cachedTokens,
      }))
    if (rows.length === 0 && prompts.length === 0) return false
    const decodes = rows.length > 0 && (prompts.length === 0 || !this.#lastWasDecode)
    this.#lastWasDecode = decodes
    if (decodes) {
      await this.#decode(rows)
      return true
    }
    const known = costOf(rows, calibration.table)
    await this.#prefill(
      planPrefill(prompts, {
        batchSize: this.#context.batchSize,
        tokensPerMs: this.#pace.steadyPrefillTokensPerMs,
        budgetMs: this.#options.interTokenMs,
        decodeMs: rows.length === 0 ? undefined : known > 0 ? known : this.#pace.decodeStepMs,
      }),
    )
    return true
  }

  async #decode(planned: readonly DecodeRow[]): Promise<void> {
    const asked: { stream: Stream; rows: number }[] = []
    const guesses = this.#guesses()
    // Guesses take the place of pad rows: there are logits for one row a slot.
    const rows = guesses.length === 0 ? planned : planned.filter(({ pad }) => !pad)
    const parts = rows.map(({ slot, pad }): Part => {
      const stream = this.#streams[slot]
      if (pad || stream === undefined) {
        const tokens = Uint32Array.of(this.#options.vocabulary.start)
        return { slot, position: this.#length(slot), tokens, pad: true }
      }
      asked.push({ stream, rows: 1 + guesses.length })
      const tokens = Uint32Array.of(stream.pending ?? 0, ...guesses)
      const part = { slot, position: this.#length(slot), tokens, sampler: stream.sampler }
      return guesses.length === 0 ? part : { ...part, draft: true }
    })
    const started = this.#now()
    const sampled = await this.#batch(parts)
    const most = Math.max(1, ...sampled.map(({ length }) => length))
    this.#pace.decoded((this.#now() - started) / most)
    asked.forEach(({ stream, rows: decoded }, at) => this.#take(stream, decoded, sampled[at] ?? []))
  }

  /** Only of a stream that nobody decodes or reads beside: rows of others are a better use of a step. */
  #guesses(): number[] {
    const { drafts, calibration, canTruncate, interTokenMs } = this.#options
    const [stream, other] = this.#running()
    if (drafts === undefined || !canTruncate || stream === undefined || other !== undefined)
      return []
    const { slot, pending = 0, left } = stream
    const { slots, contextSize } = this.#context
    const most = Math.min(slots - 1, left - 1, contextSize - this.#length(slot) - 1)
    const tokens = [...this.#residents.tokensOf(slot), pending]
    stream.drafts ??= drafts()
    return stream.drafts.propose(tokens, calibration.table, most, interTokenMs)
  }

  /** What was decoded in vain, after a guess that did not come true, is dropped. */
  #take(stream: Stream, rows: number, sampled: readonly number[]): void {
    const { slot } = stream
    const before = this.#length(slot)
    stream.drafts?.learn(sampled)
    for (const token of sampled) {
      this.#residents.extend(slot, [stream.pending ?? 0])
      stream.take(token)
      if (stream.ended) break
    }
    const held = this.#length(slot)
    if (held < before + rows) this.#context.truncate(slot, held)
    if (rows > 1)
      this.#outbox.drafted({ accepted: held - before - 1, rejected: before + rows - held })
  }

  async #prefill(chunks: readonly PrefillChunk[]): Promise<void> {
    const parts = chunks.map(({ slot, tokens }) => {
      const stream = this.#streamIn(slot)
      const { computed, request, due, sampler } = stream
      const part: Part = {
        ...{ slot, position: computed },
        tokens: Uint32Array.from(request.prompt.slice(computed, computed + tokens)),
      }
      return { stream, part: tokens === due ? { ...part, sampler } : part }
    })
    const started = this.#now()
    const sampled = await this.#batch(parts.map(({ part }) => part))
    const total = parts.reduce((sum, { part }) => sum + part.tokens.length, 0)
    this.#pace.prefilled(total, this.#now() - started)
    for (const { stream, part } of parts) {
      stream.computed += part.tokens.length
      this.#residents.extend(stream.slot, part.tokens)
      this.#residents.version++
      if (part.sampler !== undefined) stream.take(sampled.shift()?.[0] ?? 0)
    }
  }

  /** Output of the step before is made while this one runs. */
  async #batch(parts: readonly Part[]): Promise<number[][]> {
    const sampled = this.#context.decode(parts)
    this.#outbox.step()
    this.#flush()
    return await sampled
  }

  #flush(): void {
    const running = this.#running()
    for (const stream of running) this.#outbox.say(stream)
    this.#outbox.flush(() => ({
      kvTokens: running.reduce((sum, { slot }) => sum + this.#length(slot), 0),
      running: running.length,
      waiting: this.#line.size,
    }))
  }

  #views(): SlotView[] {
    const { canTruncate } = this.#options
    return this.#streams.map((stream, slot) => ({
      doing: stream === undefined ? 'nothing' : stream.due > 0 ? 'prefill' : 'decode',
      padable: canTruncate && this.#length(slot) < this.#context.contextSize,
    }))
  }

  #running(): Stream[] {
    return this.#streams.filter((stream) => stream !== undefined)
  }

  #streamIn(slot: number): Stream {
    const stream = this.#streams[slot]
    if (stream === undefined) throw new Error(`slot ${slot} is empty`)
    return stream
  }

  #length(slot: number): number {
    return this.#residents.lengthOf(slot)
  }
}
