import { AnswerQueue } from './answer-queue.ts'
import { EngineError } from './engine.ts'
import type {
  ChatMessage,
  DraftStats,
  Engine,
  EngineStats,
  EngineStatus,
  GenerateRequest,
  Piece,
  ShapingStats,
} from './engine.ts'
import { describeAddon } from './addon.ts'
import type { Addon } from './addon.ts'
import { startEarly } from './early-engine.ts'
import type { EarlyEngine } from './early-engine.ts'
import type { EngineChild } from './engine-child.ts'
import { backoffMs } from './backoff.ts'
import { forkEngine } from './fork-engine.ts'
import { beyondMemory, engineMemory, ownBytes, watchMemory } from './memory-limit.ts'
import type { Answer, EngineOptions, FromEngine, ToEngine } from './protocol.ts'
import { StatsOverRestarts } from './stats-over-restarts.ts'
import type { EngineWarning } from './warning.ts'

/** An engine that lived so long was healthy: the next restart is quick again. */
const HEALTHY_MS = 60_000
const STOP_GRACE_MS = 3000
const PROBE: GenerateRequest = {
  prompt: [0],
  maxTokens: 1,
  temperature: 0,
  topP: 1,
  stop: [],
  ignoreEos: false,
  tenant: 'readiness probe',
  adapter: 'none',
  priority: 'high',
}

/** How the engine process lives. */
export interface LifeEvent {
  event: 'engine_ready' | 'engine_gone' | 'engine_load_failed'
  cause?: string
  /** The native code in use, for a person. */
  addon?: string
  /** `load`, `start`, `memory`, `exit` or a signal. */
  how?: string
  pid?: number
  restartInMs?: number
}
export type EngineEvent = LifeEvent | EngineWarning

export interface EngineClientOptions {
  engine: EngineOptions
  /** Started already, to save time: the first engine process. */
  early?: EarlyEngine | undefined
  report: (event: EngineEvent) => void
  /** Bytes of its own that the engine may hold; absent: what the cgroup leaves, undefined: any. */
  memory?: number | undefined
}

const NO_LOAD = { running: 0, waiting: 0, kvTokens: 0, threads: 0 }

interface Call {
  answer: (answer: Answer) => void
  fail: (error: EngineError) => void
}

/** Supervises the engine process: restarts it with backoff, ends what was under way with an error. */
export class EngineClient implements Engine {
  readonly #options: EngineClientOptions
  readonly #calls = new Map<number, Call>()
  #nextId = 1
  #child: EngineChild | undefined
  #state: EngineStatus['state'] = 'starting'
  #cause: string | undefined
  #restarts = 0
  #failedInRow = 0
  #readySince = 0
  #lastStep: number | undefined
  #load = NO_LOAD
  readonly #cache = new StatsOverRestarts()
  readonly #drafts: DraftStats = { accepted: 0, rejected: 0 }
  readonly #shaping: ShapingStats = { padRows: 0, moves: 0, copies: 0 }
  /** What was warned of: a restarted engine says it again. */
  readonly #warned = new Set<string>()
  #addon: Addon | undefined
  #restartTimer: NodeJS.Timeout | undefined

  constructor(options: EngineClientOptions) {
    this.#options = options
    this.#start(options.early)
  }

  async tokenizeChat(messages: readonly ChatMessage[]): Promise<number[]> {
    return await this.#tokens((id) => ({ kind: 'tokenizeChat', id, messages }))
  }

  async tokenizePrompt(prompt: string | readonly number[]): Promise<number[]> {
    return await this.#tokens((id) => ({ kind: 'tokenizePrompt', id, prompt }))
  }

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, void> {
    signal.throwIfAborted()
    yield* this.#run(request, signal)
  }

  async probe(timeoutMs: number): Promise<boolean> {
    if (this.#state !== 'ready' || this.#load.running + this.#load.waiting > 0) return false
    try {
      const pieces = this.#run(PROBE, AbortSignal.timeout(timeoutMs))
      while ((await pieces.next()).done !== true);
      return true
    } catch {
      return false
    }
  }

  status(): EngineStatus {
    return {
      state: this.#state,
      restarts: this.#restarts,
      ...(this.#cause === undefined ? {} : { cause: this.#cause }),
      ...(this.#lastStep === undefined ? {} : { msSinceStep: Date.now() - this.#lastStep }),
    }
  }

  stats(): EngineStats {
    const { slots, contextSize } = this.#options.engine
    const cells = slots * contextSize
    const { running, waiting, kvTokens, threads } = this.#load
    const kvUsage = Math.min(1, kvTokens / cells)
    const counted = { drafts: { ...this.#drafts }, shaping: { ...this.#shaping } }
    return { running, waiting, kvUsage, threads, cache: this.#cache.total, ...counted }
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    clearTimeout(this.#restartTimer)
    await this.#child?.stop(STOP_GRACE_MS)
    this.#failAll('the engine is closed')
  }

  /** Process id of the engine, for tests and logs. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  #start(early = startEarly(forkEngine(), this.#options.engine)): void {
    let known: { cause: string; how: string } | undefined
    const { child } = early
    this.#child = child
    const endFor = (cause: string) => {
      known = { cause, how: 'memory' }
      void child.stop(STOP_GRACE_MS)
    }
    const { pid } = child
    const { engine, memory = engineMemory(engine.prefixMemory?.bytes ?? 0) } = this.#options
    const unwatch =
      memory === undefined || pid === undefined ? () => undefined : watchMemory(pid, memory, endFor)
    void early.addon.then((addon) => this.#chosen(addon))
    early.listen({
      message: (message) => {
        if (message.kind === 'failed') known = { cause: this.#loadFailed(message), how: 'load' }
        else if (message.kind === 'ready') this.#ready(message, memory, endFor)
        else this.#receive(message)
      },
      gone: (cause, how) => {
        unwatch()
        this.#gone(known?.cause ?? cause, known?.how ?? how)
      },
    })
  }

  #ready(
    { compiled, untouchedBytes }: Extract<FromEngine, { kind: 'ready' }>,
    memory: number | undefined,
    endFor: (cause: string) => void,
  ): void {
    if (this.#state === 'closed') return
    // Better now than when its cache fills under load.
    const full = (ownBytes(this.#child?.pid ?? 0) ?? 0) + untouchedBytes
    const cause = beyondMemory(full, memory)
    if (cause !== undefined) return endFor(cause)
    this.#state = 'ready'
    this.#cause = undefined
    this.#readySince = this.#lastStep = Date.now()
    this.#reportReady(compiled)
  }

  #chosen(addon: Addon): void {
    this.#addon = addon
    if (addon.kind === 'prebuilt' && addon.problem !== undefined) {
      this.#warn({ event: 'engine_addon_unused', cause: addon.problem.message })
    }
  }

  #receive(message: Exclude<FromEngine, { kind: 'failed' | 'ready' }>): void {
    if (this.#state === 'closed') return
    if (message.kind === 'warning') return this.#warn(message.warning)
    if (message.kind === 'tokens') {
      this.#calls.get(message.answer.id)?.answer(message.answer)
      return
    }
    this.#load = message
    this.#cache.now(message.cache)
    add(this.#drafts, message.drafts)
    add(this.#shaping, message.shaping)
    if (message.stepped) this.#lastStep = Date.now()
    for (const answer of message.answers) this.#calls.get(answer.id)?.answer(answer)
  }

  #reportReady(compiled: boolean): void {
    const chosen = this.#addon ?? { kind: 'prebuilt', key: '' }
    if (chosen.kind !== 'prebuilt' && !compiled) {
      const cause = 'the compiled addon could not be loaded; is libgomp1 installed?'
      this.#warn({ event: 'engine_addon_unused', cause })
    }
    const addon = compiled ? describeAddon(chosen) : 'prebuilt'
    this.#options.report({ event: 'engine_ready', ...this.#pidField(), addon })
  }

  #warn(warning: EngineWarning): void {
    const text = JSON.stringify(warning)
    if (this.#warned.has(text)) return
    this.#warned.add(text)
    this.#options.report(warning)
  }

  #loadFailed(message: Extract<FromEngine, { kind: 'failed' }>): string {
    this.#options.report({ event: 'engine_load_failed', cause: message.message })
    const what = this.#state === 'ready' ? 'decode' : 'load the model'
    return `the engine could not ${what} (${message.code}): ${message.message}`
  }

  #gone(cause: string, how: string): void {
    this.#failAll(cause)
    this.#load = NO_LOAD
    this.#cache.restarted()
    this.#lastStep = undefined
    if (this.#state === 'closed') return
    const healthy = this.#state === 'ready' && Date.now() - this.#readySince > HEALTHY_MS
    this.#failedInRow = healthy ? 0 : this.#failedInRow + 1
    const restartInMs = backoffMs(this.#failedInRow)
    this.#options.report({ event: 'engine_gone', cause, how, restartInMs, ...this.#pidField() })
    this.#state = 'restarting'
    this.#cause = cause
    this.#restartTimer = setTimeout(() => {
      this.#restarts++
      this.#start()
    }, restartInMs)
  }

  #failAll(cause: string): void {
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    for (const call of calls) call.fail(new EngineError('unavailable', cause))
  }

  #readyChild(): EngineChild {
    if (this.#state === 'ready' && this.#child !== undefined) return this.#child
    throw new EngineError('unavailable', this.#cause ?? `the engine is ${this.#state}`)
  }

  async #tokens(message: (id: number) => ToEngine): Promise<number[]> {
    const child = this.#readyChild()
    const id = this.#nextId++
    return await new Promise((resolve, reject) => {
      const done = (settle: () => void) => {
        this.#calls.delete(id)
        settle()
      }
      this.#calls.set(id, {
        answer: (answer) =>
          done(() => {
            if (answer.kind === 'tokens') resolve(answer.tokens)
            else reject(errorOf(answer))
          }),
        fail: reject,
      })
      child.send(message(id))
    })
  }

  async *#run(request: GenerateRequest, signal: AbortSignal) {
    const child = this.#readyChild()
    const id = this.#nextId++
    const queue = new AnswerQueue<Piece>()
    const settle = () => this.#calls.delete(id)
    this.#calls.set(id, {
      answer: (answer) => {
        if (answer.kind === 'piece') return queue.push(answer.piece)
        settle()
        if (answer.kind === 'end') queue.end()
        else queue.fail(errorOf(answer))
      },
      fail: (error) => {
        settle()
        queue.fail(error)
      },
    })
    const abort = () => queue.fail(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    child.send({ kind: 'generate', id, request })
    try {
      if (signal.aborted) abort()
      yield* queue
    } finally {
      signal.removeEventListener('abort', abort)
      if (this.#calls.has(id)) child.send({ kind: 'cancel', id })
    }
  }

  #pidField(): { pid?: number } {
    return this.#child?.pid === undefined ? {} : { pid: this.#child.pid }
  }
}

function add<Name extends string>(
  total: Record<Name, number>,
  more: Readonly<Record<Name, number>>,
): void {
  for (const name of Object.keys(total) as Name[]) total[name] += more[name]
}

function errorOf(answer: Answer): EngineError {
  if (answer.kind === 'error')
    return new EngineError(answer.code, answer.message, answer.retryAfterS)
  return new EngineError('failed', `unexpected answer ${answer.kind}`)
}
