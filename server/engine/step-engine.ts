import type { GenerateRequest } from './engine.ts'
import { KeepBudget } from './keep-budget.ts'
import type { ListedPrompts } from './listed-prompts.ts'
import { loadOf } from './load.ts'
import type { NativeGrammarState } from './native.ts'
import { Outbox } from './outbox.ts'
import type { Round } from './outbox.ts'
import { Pace } from './pace.ts'
import { Residents } from './residents.ts'
import type { Source } from './residents.ts'
import type { SavedPrefixes } from './saved-prefixes.ts'
import { samplingOptions } from './sampling-options.ts'
import { SlotStreams } from './slot-streams.ts'
import { adjoins, chooseSlot, planMoves, prefillMs } from './step-planner.ts'
import { Steps, type StepsOptions } from './steps.ts'
import { Stream } from './stream.ts'
import { Waiters, evaluatesAll } from './waiters.ts'
import { WaitingLine } from './waiting-line.ts'
import { WarmUp } from './warm-up.ts'

export interface StepEngineOptions extends StepsOptions {
  digest: string
  maxQueued: number
  firstTokenMs: number
  prefixCache: boolean
  saved: SavedPrefixes | undefined
  /** The operator's system prompts; absent: there are none. */
  listed?: ListedPrompts | undefined
  /** Of the model, tokens; absent without one. */
  slidingWindow?: number | undefined
  /** Resolves when native code no longer reads a slot to save it. */
  untilSlotsAreFree?: () => Promise<void>
  /** Called once a step with all that the streams have to say. */
  report: (round: Round) => void
  /** Milliseconds; replaced where time is simulated. */
  now?: () => number
}

/** Of the budget between tokens, what saving the contents of slots for newcomers may take. */
const SHARE_OF_KEEPING = 0.25
/** Tokens of a system prompt that are evaluated at once, whatever they take. */
const LEAST_PIECE = 16
/**
 * The loop that owns the slots: admit, plan, decode one batch, sample, emit. What the last step gave is
 * turned into text and sent while the next one runs.
 */
export class StepEngine {
  readonly #options: StepEngineOptions
  readonly #line: WaitingLine
  readonly #waiters: Waiters
  readonly #outbox: Outbox
  readonly #slots: SlotStreams
  readonly #residents: Residents
  readonly #steps: Steps
  readonly #warmUp: WarmUp | undefined
  readonly #pace = new Pace()
  /** Prefixes are kept and copied. */
  readonly #shares: boolean
  readonly #cancelled = new Set<number>()
  readonly #probes: number[] = []
  readonly #keeps: KeepBudget
  readonly #now: () => number
  #busyMs: number
  #wake: (() => void) | undefined

  constructor(options: StepEngineOptions) {
    const { context, digest, canTruncate, saved } = options
    this.#options = options
    this.#outbox = new Outbox(options.report)
    this.#now = options.now ?? (() => performance.now())
    this.#busyMs = this.#now()
    this.#keeps = new KeepBudget(this.#now)
    this.#line = new WaitingLine({
      maxQueued: options.maxQueued,
      firstTokenMs: options.firstTokenMs,
    })
    const on = options.prefixCache && canTruncate
    this.#shares = on
    const { listed, slidingWindow, untilSlotsAreFree = () => Promise.resolve() } = options
    const held = on ? { saved, listed } : { saved: undefined, listed: undefined }
    this.#residents = new Residents(context, {
      ...{ digest, on, slidingWindow, keeps: this.#keeps },
      ...held,
    })
    this.#slots = new SlotStreams(context, this.#residents, canTruncate)
    this.#waiters = new Waiters(this.#residents)
    this.#steps = new Steps({
      ...options,
      ...{ slots: this.#slots, residents: this.#residents, pace: this.#pace, outbox: this.#outbox },
      ...{ now: this.#now, flush: () => this.#flush() },
    })
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

  /** Queues a request; what becomes of it is reported under `id`. `grammar`: of what the answer must be. */
  submit(id: number, request: GenerateRequest, grammar?: NativeGrammarState): void {
    const now = this.#now()
    const waiting = {
      ...{ id, tenant: request.tenant, priority: request.priority, arrivedMs: now },
      ...{ promptTokens: request.prompt.length, maxTokens: request.maxTokens },
    }
    this.#waiters.add(id, request, grammar)
    const cached = this.#shares ? this.#waiters.expectedTokens(id, this.#slots.running) : 0
    const newcomer = { nowMs: now, tokens: request.prompt.length - cached }
    const load = loadOf(this.#slots.bySlot, this.#pace, this.#options.interTokenMs, newcomer)
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

  /** Its end is reported when a batch was decoded. */
  probe(id: number): void {
    this.#probes.push(id)
    this.#wake?.()
  }

  /** Never ends; throws when the native engine fails, which nothing here can mend. */
  async run(): Promise<never> {
    while (true) {
      this.#drop()
      await this.#admit()
      await this.#compact()
      const stepped = await this.#steps.next()
      if (!stepped) this.#flush()
      await this.#prove(stepped)
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

  async #prove(stepped: boolean): Promise<void> {
    const ids = this.#probes.splice(0)
    if (ids.length === 0) return
    if (!stepped) await this.#steps.probe()
    for (const id of ids) this.#outbox.end(id)
    this.#flush()
  }

  /** Until something comes, or `atMostMs` have passed. */
  async #wait(atMostMs: number | undefined): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (this.#line.size + this.#cancelled.size + this.#probes.length > 0) resolve()
      else if (atMostMs !== undefined) timer = setTimeout(resolve, atMostMs)
    })
    clearTimeout(timer)
    this.#wake = undefined
  }

  /** A piece of a system prompt that is held nowhere; a newcomer waits for it no longer than others. */
  async #warm(busy: boolean): Promise<boolean> {
    const waited = this.#slots.running.some(({ due }) => due === 0)
    // Those who wait for a token do not wait for two pieces in a row.
    if (this.#warmUp === undefined || (waited && !this.#steps.afterDecode)) return false
    const decodeMs = waited ? this.#pace.steadyDecodeStepMs : 0
    const ms = prefillMs(this.#options.interTokenMs, decodeMs)
    const tokens = Math.max(LEAST_PIECE, Math.floor(this.#pace.steadyPrefillTokensPerMs * ms))
    const read = await this.#warmUp.next(tokens, this.#slots.free, busy)
    if (read) this.#steps.heldUp()
    return read
  }

  /** Frees the slots of those who left or ended. */
  #drop(): void {
    for (const id of this.#cancelled) {
      if (!this.#line.remove(id)) continue
      this.#waiters.take(id)
      this.#outbox.end(id)
    }
    for (const stream of this.#slots.running) {
      if (stream.ended || this.#cancelled.has(stream.id)) this.#leave(stream)
    }
    this.#cancelled.clear()
  }

  #leave(stream: Stream): void {
    const now = this.#now()
    this.#slots.clear(stream.slot)
    // What gave no token gives none to the next one either.
    if (stream.failed) this.#residents.clear(stream.slot)
    else this.#residents.leave(stream.slot, now)
    this.#options.context.returnSampler(stream.sampler)
    this.#pace.held(now - stream.startedMs)
    this.#outbox.say(stream)
    if (stream.failed) this.#outbox.fail(stream.id)
    else this.#outbox.end(stream.id)
  }

  async #admit(): Promise<void> {
    const now = this.#now()
    for (const { id } of this.#line.expire(now)) {
      this.#waiters.take(id)
      this.#outbox.refuse(id, 'too_late', this.#pace.holdMs)
    }
    const waited = this.#slots.running.some(({ due }) => due === 0)
    this.#keeps.renew(waited ? this.#options.interTokenMs * SHARE_OF_KEEPING : Infinity)
    while (this.#line.size > 0 && this.#slots.free.length > 0) {
      const next = this.#line.next(
        this.#now(),
        (id) => this.#waiters.cachedTokens(id),
        (id) => !this.#shares || !this.#waiters.waitsFor(id, this.#slots.running),
      )
      if (next === undefined) return
      const waiter = this.#waiters.take(next.id)
      if (waiter !== undefined) await this.#place(next.id, waiter.request, waiter.grammar)
    }
  }

  async #place(
    id: number,
    request: GenerateRequest,
    grammar: NativeGrammarState | undefined,
  ): Promise<void> {
    const boundary = this.#residents.boundaryOf(request)
    const views = this.#slots.views()
    const wanted = chooseSlot(views, this.#residents.lastUsed)
    const holder = this.#residents.holderAmong(this.#slots.free, boundary, request.prompt)
    const slot = holder !== undefined && adjoins(views, holder) ? holder : wanted
    if (slot === undefined) throw new Error('a request was taken while no slot was free')
    const startedMs = this.#now()
    const { copies } = this.#residents
    const known = evaluatesAll(request) ? [] : request.prompt
    const cachedTokens = await this.#residents.occupy(slot, boundary, known, startedMs)
    this.#outbox.shaped('copies', this.#residents.copies - copies)
    const { context, vocabulary } = this.#options
    const place = { slot, boundary, cachedTokens, startedMs }
    const sampler = context.takeSampler(samplingOptions(request, grammar))
    this.#slots.put(new Stream(id, request, place, sampler, vocabulary))
  }

  /** Streams move together where that pays. */
  async #compact(): Promise<void> {
    const { calibration, shaping } = this.#options
    if (!shaping) return
    const left = this.#slots.bySlot.map((stream) => stream?.likelyLeft ?? 0)
    const moves = planMoves(this.#slots.views(), calibration.table, left, this.#pace.copyMs)
    for (const { from, to } of moves) {
      const now = this.#now()
      await this.#residents.move(from, to, now)
      this.#outbox.shaped('moves', 1)
      this.#slots.move(from, to)
      this.#residents.leave(from, now)
    }
  }

  #flush(): void {
    const running = this.#slots.running
    for (const stream of running) this.#outbox.say(stream)
    this.#outbox.flush(() => ({
      kvTokens: running.reduce((sum, { slot }) => sum + this.#slots.lengthOf(slot), 0),
      running: running.length,
      waiting: this.#line.size,
    }))
  }
}
