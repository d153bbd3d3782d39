import { readdirSync } from 'node:fs'
import { type CoreUse, coreUse } from './core-use.ts'

/**
 * Threads of a step wait for each other some hundred times in it, and each wait for one that another
 * process keeps from its core takes a slice of the scheduler: milliseconds. With as many threads as
 * cores are left, nobody waits (figures: docs/concepts/engine.md).
 */

/** Over shorter times the kernel's clocks, of 10 ms, say little. */
const WINDOW_MS = 500
/** In a row, before there are fewer threads: a crowd that is gone after one costs less than a wrong change. */
const CROWDED_WINDOWS = 2
/** Cores that threads waited for, all together, from which on fewer threads are faster (measured). */
const CROWDED = 0.5
/** Of the cores that fewer threads have: waiting for more of them than that, more threads get more. */
const STILL_CROWDED = 0.25
/** Free cores that are worth a thread. */
const FREE = 0.75
const FIRST_HOLD_MS = 2000
const LONGEST_HOLD_MS = 32_000
/** After so long without a change for the worse, the next hold is the first again. */
const CALM_MS = 60_000

/** Cores that were waited for and cores that were free, on the average of a window. */
export interface Crowd {
  waited: number
  idle: number
}

/** Threads that are faster than `threads`, of at most `most`. Pure. */
export function fasterThreads(threads: number, most: number, { waited, idle }: Crowd): number {
  // Whoever crowds is everywhere: more threads get a greater part of the cores.
  if (threads < most && waited > STILL_CROWDED * threads) return most
  if (waited >= CROWDED) return Math.max(1, threads - Math.max(1, Math.round(waited)))
  return idle < FREE ? threads : Math.min(most, threads + Math.floor(idle + 1 - FREE))
}

export interface DecodeThreadsOptions {
  most: number
  /** Replaced in tests. */
  read?: () => CoreUse | undefined
  /** Milliseconds; replaced where time is simulated. */
  now?: () => number
}

/** How many threads decode: all, or fewer while other processes use the same cores. */
export class DecodeThreads {
  #threads: number
  readonly #options: Required<DecodeThreadsOptions>
  #since: (CoreUse & { ms: number }) | undefined
  #crowdedWindows = 0
  #holdMs = FIRST_HOLD_MS
  #heldUntilMs = -Infinity
  #changedMs = -Infinity

  constructor({ most, read = ownUse, now = () => performance.now() }: DecodeThreadsOptions) {
    this.#options = { most, read, now }
    this.#threads = most
  }

  /** By the last step. */
  get used(): number {
    return this.#threads
  }

  /** false: others use the cores too, so what a step takes now says nothing of it. */
  get undisturbed(): boolean {
    this.next()
    return this.#threads === this.#options.most
  }

  /** For the step that comes. */
  next(): number {
    const { most, read, now } = this.#options
    const ms = now()
    if (most === 1 || (this.#since !== undefined && ms - this.#since.ms < WINDOW_MS)) {
      return this.#threads
    }
    const use = read()
    const before = this.#since
    this.#since = use === undefined ? undefined : { ...use, ms }
    if (use === undefined || before === undefined) return this.#threads
    const seconds = (ms - before.ms) / 1000
    const crowd = {
      waited: (use.waited - before.waited) / seconds,
      idle: (use.idle - before.idle) / seconds,
    }
    this.#change(fasterThreads(this.#threads, most, crowd), crowd, ms)
    return this.#threads
  }

  /** Fewer at once; more only after a while, and each time later if that was wrong. */
  #change(wanted: number, { idle }: Crowd, ms: number): void {
    this.#crowdedWindows = wanted < this.#threads ? this.#crowdedWindows + 1 : 0
    if (wanted === this.#threads || ms < this.#heldUntilMs) return
    if (wanted < this.#threads && this.#crowdedWindows < CROWDED_WINDOWS) return
    if (wanted < this.#threads) {
      const calm = ms - this.#changedMs > CALM_MS
      this.#holdMs = calm ? FIRST_HOLD_MS : Math.min(LONGEST_HOLD_MS, 2 * this.#holdMs)
      this.#heldUntilMs = ms + this.#holdMs
    } else if (idle < FREE) {
      // Fewer were no help.
      this.#heldUntilMs = ms + LONGEST_HOLD_MS
    }
    this.#threads = wanted
    this.#changedMs = ms
  }
}

function ownUse(): CoreUse | undefined {
  try {
    return coreUse(readdirSync('/proc/self/task'))
  } catch {
    return undefined
  }
}
