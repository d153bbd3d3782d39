import type { ChildProcess } from 'node:child_process'
import { EngineError } from './engine.ts'
import type {
  Chat,
  ChatPrompt,
  DraftStats,
  Engine,
  EngineStats,
  EngineStatus,
  GenerateRequest,
  ModelDescription,
  Piece,
  ShapingStats,
} from './engine.ts'
import { describeAddon } from './addon.ts'
import type { Addon } from './addon.ts'
import { startEarly } from './early-engine.ts'
import type { EarlyEngine } from './early-engine.ts'
import { EngineCalls } from './engine-calls.ts'
import type { EngineChild } from './engine-child.ts'
import { backoffMs } from './backoff.ts'
import { cpuWarning, ownQuota } from './cpu-quota.ts'
import { forkEngine } from './fork-engine.ts'
import { beyondMemory, engineMemory, ownBytes, watchMemory } from './memory-limit.ts'
import type { EngineOptions, FromEngine, ToEngine } from './protocol.ts'
import { StatsOverRestarts } from './stats-over-restarts.ts'
import { fixOf } from './warning-fixes.ts'
import type { EngineWarning } from './warning.ts'

/** An engine that lived so long was healthy: the next restart is quick again. */
const HEALTHY_MS = 60_000
const STOP_GRACE_MS = 3000
/** No step is so long: an engine that was asked and decoded nothing hangs. */
const HUNG_MS = 600_000
const LOOK_MS = 10_000

/** How the engine process lives. */
export interface LifeEvent {
  event: 'engine_ready' | 'engine_gone' | 'engine_load_failed' | 'engine_decode_failed'
  cause?: string
  /** The native code in use, for a person. */
  addon?: string
  /** `load`, `decode`, `start`, `memory`, `hung`, `exit` or a signal. */
  how?: string
  pid?: number
  /** Memory that the engine asked for and will take when answers fill its cache. */
  untouchedMiB?: number
  restartInMs?: number
}
export type EngineEvent = LifeEvent | (EngineWarning & { fix: string })

export interface EngineClientOptions {
  engine: EngineOptions
  /** Started already, to save time: the first engine process. */
  early?: EarlyEngine | undefined
  report: (event: EngineEvent) => void
  /** Bytes of its own that the engine may hold; absent: what the cgroup leaves, undefined: any. */
  memory?: number | undefined
  /** Cores that the CPU limit grants; absent: what the cgroup says. */
  quota?: number | undefined
  /** Replaced in tests. */
  fork?: () => ChildProcess
  /** Milliseconds, never back. */
  now?: () => number
}

const NO_LOAD = { running: 0, waiting: 0, kvTokens: 0, threads: 0 }

/** Supervises the engine process: restarts it with backoff, ends what was under way with an error. */
export class EngineClient implements Engine {
  readonly #options: EngineClientOptions
  readonly #calls: EngineCalls
  #child: EngineChild | undefined
  #state: EngineStatus['state'] = 'starting'
  #cause: string | undefined
  #restarts = 0
  #failedInRow = 0
  #startedMs = 0
  #readyMs = 0
  /** Of the last start that came to its end. */
  #loadMs = 0
  #restartMs = 0
  /** A piece of an answer came since it was ready. */
  #served = false
  #lastStepMs: number | undefined
  #load = NO_LOAD
  readonly #cache = new StatsOverRestarts()
  readonly #drafts: DraftStats = { accepted: 0, rejected: 0 }
  readonly #shaping: ShapingStats = { padRows: 0, moves: 0, copies: 0 }
  /** What was warned of: a restarted engine says it again. */
  readonly #warned = new Set<string>()
  /** Ends the engine of now, for a cause that is told. */
  #endFor: (cause: string, how: string) => void = () => undefined
  #addon: Addon | undefined
  /** Known once it was ready. */
  #model: ModelDescription | undefined
  #restartTimer: NodeJS.Timeout | undefined
  readonly #now: () => number
  readonly #looks: NodeJS.Timeout

  constructor(options: EngineClientOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#calls = new EngineCalls(this.#now)
    this.#looks = setInterval(() => this.look(), LOOK_MS).unref()
    const { quota = ownQuota() } = options
    const warning = cpuWarning(quota)
    if (warning !== undefined) this.#warn(warning)
    this.#start(options.early)
  }

  async tokenizeChat(chat: Chat): Promise<ChatPrompt> {
    const message = (id: number): ToEngine => ({ kind: 'tokenizeChat', id, chat })
    const { tokens, tail } = await this.#calls.ask(this.#readyChild(), 'chat', message)
    return { tokens, tail }
  }

  async tokenizePrompt(prompt: string | readonly number[], withStart = true): Promise<number[]> {
    const message = (id: number): ToEngine => ({ kind: 'tokenizePrompt', id, prompt, withStart })
    return (await this.#calls.ask(this.#readyChild(), 'tokens', message)).tokens
  }

  async textsOf(tokens: readonly number[]): Promise<string[]> {
    const message = (id: number): ToEngine => ({ kind: 'textsOf', id, tokens })
    return (await this.#calls.ask(this.#readyChild(), 'texts', message)).texts
  }

  async detokenize(tokens: readonly number[]): Promise<string> {
    const message = (id: number): ToEngine => ({ kind: 'detokenize', id, tokens })
    const { texts } = await this.#calls.ask(this.#readyChild(), 'texts', message)
    return texts.join('')
  }

  async embed(prompt: readonly number[], signal: AbortSignal): Promise<Float32Array> {
    signal.throwIfAborted()
    const message = (id: number): ToEngine => ({ kind: 'embed', id, prompt })
    const { base64 } = await this.#calls.ask(this.#readyChild(), 'vector', message)
    return new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer)
  }

  async describe(): Promise<ModelDescription> {
    this.#readyChild()
    return this.#model!
  }

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, void> {
    signal.throwIfAborted()
    yield* this.#calls.pieces(this.#readyChild(), request, signal)
  }

  async probe(timeoutMs: number): Promise<boolean> {
    if (this.#state !== 'ready' || this.#child === undefined) return false
    return await this.#calls.probe(this.#child, timeoutMs)
  }

  status(): EngineStatus {
    return {
      state: this.#state,
      restarts: this.#restarts,
      ...(this.#cause === undefined ? {} : { cause: this.#cause }),
      ...(this.#lastStepMs === undefined ? {} : { msSinceStep: this.#now() - this.#lastStepMs }),
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
    clearInterval(this.#looks)
    await this.#child?.stop(STOP_GRACE_MS)
    this.#calls.failAll(new EngineError('unavailable', 'the engine is closed'))
  }

  /** Process id of the engine, for tests and logs. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  #start(started?: EarlyEngine): void {
    this.#startedMs = this.#now()
    let early: EarlyEngine
    try {
      const { fork = forkEngine, engine } = this.#options
      early = started ?? startEarly(fork(), engine)
    } catch (error) {
      // As when there is no memory for a process: the server lives, and tries again.
      return this.#gone(`the engine could not be started: ${(error as Error).message}`, 'start')
    }
    let known: { cause: string; how: string } | undefined
    const { child } = early
    this.#child = child
    this.#endFor = (cause, how) => {
      known = { cause, how }
      void child.stop(STOP_GRACE_MS)
    }
    const endFor = (cause: string) => this.#endFor(cause, 'memory')
    const { pid } = child
    const { engine, memory = engineMemory(engine.prefixMemory?.bytes ?? 0) } = this.#options
    const unwatch =
      memory === undefined || pid === undefined ? () => undefined : watchMemory(pid, memory, endFor)
    void early.addon.then((addon) => this.#chosen(addon))
    early.listen({
      message: (message) => {
        if (message.kind === 'failed') known = this.#failed(message)
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
    { compiled, untouchedBytes, model }: Extract<FromEngine, { kind: 'ready' }>,
    memory: number | undefined,
    endFor: (cause: string) => void,
  ): void {
    if (this.#state === 'closed') return
    // Better now than when its cache fills under load.
    const full = (ownBytes(this.#child?.pid ?? 0) ?? 0) + untouchedBytes
    const cause = beyondMemory(full, memory)
    if (cause !== undefined) return endFor(cause)
    this.#state = 'ready'
    this.#model = model
    this.#cause = undefined
    this.#readyMs = this.#lastStepMs = this.#now()
    this.#loadMs = this.#readyMs - this.#startedMs
    this.#served = false
    this.#reportReady(compiled, untouchedBytes)
  }

  #chosen(addon: Addon): void {
    this.#addon = addon
    if (addon.kind === 'prebuilt' && addon.problem !== undefined) {
      const { path, expected, got } = addon.problem.problems[0]!
      const detail = `${path}: expected ${expected}, got ${got}`
      this.#warn({ event: 'engine_addon_unused', cause: 'refused', detail })
    }
  }

  #receive(message: Exclude<FromEngine, { kind: 'failed' | 'ready' }>): void {
    if (this.#state === 'closed') return
    if (message.kind === 'warning') return this.#warn(message.warning)
    if (message.kind === 'tokens') {
      this.#calls.hear(message.answer)
      return
    }
    this.#load = message
    this.#cache.now(message.cache)
    add(this.#drafts, message.drafts)
    add(this.#shaping, message.shaping)
    if (message.stepped) this.#lastStepMs = this.#now()
    for (const answer of message.answers) {
      if (answer.kind === 'piece') this.#served = true
      this.#calls.hear(answer)
    }
  }

  #reportReady(compiled: boolean, untouchedBytes: number): void {
    const chosen = this.#addon ?? { kind: 'prebuilt', key: '' }
    if (chosen.kind !== 'prebuilt' && !compiled) {
      this.#warn({ event: 'engine_addon_unused', cause: 'not_loaded' })
    }
    const addon = compiled ? describeAddon(chosen) : 'prebuilt'
    const untouchedMiB = Math.round(untouchedBytes / 2 ** 20)
    this.#options.report({ event: 'engine_ready', ...this.#pidField(), addon, untouchedMiB })
  }

  #warn(warning: EngineWarning): void {
    const text = JSON.stringify(warning)
    if (this.#warned.has(text)) return
    this.#warned.add(text)
    this.#options.report({ ...warning, fix: fixOf(warning) })
  }

  #failed({ code, message }: Extract<FromEngine, { kind: 'failed' }>) {
    const how = this.#state === 'ready' ? 'decode' : 'load'
    this.#options.report({ event: `engine_${how}_failed`, cause: message })
    const what = how === 'decode' ? 'decode' : 'load the model'
    return { how, cause: `the engine could not ${what} (${code}): ${message}` }
  }

  /** Now and then: ends a process that hangs, which would never end by itself. */
  look(): void {
    const since = Math.max(this.#calls.sinceMs ?? Infinity, this.#lastStepMs ?? 0)
    if (this.#state !== 'ready' || this.#now() - since < HUNG_MS) return
    const seconds = HUNG_MS / 1000
    this.#endFor(`the engine was asked and decoded nothing for ${seconds} s`, 'hung')
  }

  #gone(cause: string, how: string): void {
    this.#load = NO_LOAD
    this.#cache.restarted()
    this.#lastStepMs = undefined
    if (this.#state === 'closed') return this.#calls.failAll(new EngineError('unavailable', cause))
    const wasReady = this.#state === 'ready'
    const healthy = wasReady && (this.#served || this.#now() - this.#readyMs > HEALTHY_MS)
    this.#failedInRow = healthy ? 0 : this.#failedInRow + 1
    const restartInMs = backoffMs(this.#failedInRow)
    this.#restartMs = this.#now() + restartInMs
    this.#options.report({ event: 'engine_gone', cause, how, restartInMs, ...this.#pidField() })
    this.#state = 'restarting'
    this.#cause = cause
    this.#calls.failAll(new EngineError('unavailable', cause, this.#when()))
    this.#restartTimer = setTimeout(() => {
      this.#restarts++
      this.#start()
    }, restartInMs)
  }

  /** Until the engine can be ready again, as far as its last start tells. */
  #when(): { retryAfterS?: number } {
    if (this.#state !== 'restarting') return {}
    const leftMs = this.#restartMs + this.#loadMs - this.#now()
    return { retryAfterS: Math.max(1, Math.ceil(leftMs / 1000)) }
  }

  #readyChild(): EngineChild {
    if (this.#state === 'ready' && this.#child !== undefined) return this.#child
    const cause = this.#cause ?? `the engine is ${this.#state}`
    throw new EngineError('unavailable', cause, this.#when())
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
