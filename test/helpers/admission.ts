import { EngineError } from '../../server/engine/engine.ts'

interface Waiting {
  admit: () => void
}

/** `slots` at once, at most `maxQueued` waiting in order, the rest refused. */
export class Admission {
  readonly #slots: number
  readonly #maxQueued: number
  readonly #queue = new Set<Waiting>()
  #running = 0

  constructor(slots: number, maxQueued: number) {
    this.#slots = slots
    this.#maxQueued = maxQueued
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#queue.size
  }

  /** A slot, or undefined when none is free: never waits. */
  tryAcquire(): (() => void) | undefined {
    if (this.#running >= this.#slots || this.#queue.size > 0) return undefined
    return this.#take()
  }

  /** Resolves with the function that gives the slot back. Throws EngineError `queue_full`. */
  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    const free = this.tryAcquire()
    if (free !== undefined) return free
    if (this.#queue.size >= this.#maxQueued) {
      throw new EngineError('queue_full', `${this.#queue.size} requests wait already`)
    }
    return await new Promise((resolve, reject) => {
      const leave = () => {
        this.#queue.delete(waiting)
        reject(signal.reason as Error)
      }
      const waiting: Waiting = {
        admit: () => {
          signal.removeEventListener('abort', leave)
          resolve(this.#take())
        },
      }
      this.#queue.add(waiting)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #take(): () => void {
    this.#running++
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#running--
      const [next] = this.#queue
      if (next === undefined) return
      this.#queue.delete(next)
      next.admit()
    }
  }
}
