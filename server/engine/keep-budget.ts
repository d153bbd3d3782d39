/** What the loop gives, of each step, to saving what newcomers displace: a save holds up everyone. */
export class KeepBudget {
  readonly #now: () => number
  #tokenMs = 0
  #leftMs = Infinity

  constructor(now: () => number) {
    this.#now = now
  }

  /** Before the newcomers of a step. Infinity: nobody waits for a token. */
  renew(leftMs: number): void {
    this.#leftMs = leftMs
  }

  /** Runs `save` of so many tokens if the time is there, by what others took. */
  async spend(tokens: number, save: () => Promise<unknown>): Promise<void> {
    if (this.#tokenMs * tokens > this.#leftMs) return
    const started = this.#now()
    await save()
    const ms = this.#now() - started
    this.#leftMs -= ms
    this.#tokenMs = this.#tokenMs === 0 ? ms / tokens : (this.#tokenMs + ms / tokens) / 2
  }
}
