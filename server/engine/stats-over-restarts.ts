import type { CacheStats } from './engine.ts'

const NONE: CacheStats = { tokens: { slot: 0, memory: 0, volume: 0 }, entries: 0, bytes: 0 }

/** Counters that never go back, although each engine process counts from 0. */
export class StatsOverRestarts {
  #before = NONE.tokens
  #now = NONE

  get total(): CacheStats {
    return { ...this.#now, tokens: this.#sum() }
  }

  now(stats: CacheStats): void {
    this.#now = stats
  }

  restarted(): void {
    this.#before = this.#sum()
    this.#now = NONE
  }

  #sum(): CacheStats['tokens'] {
    const [before, now] = [this.#before, this.#now.tokens]
    return {
      slot: before.slot + now.slot,
      memory: before.memory + now.memory,
      volume: before.volume + now.volume,
    }
  }
}
