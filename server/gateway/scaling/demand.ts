/** What one gateway has seen of a model's requests. */
export interface Counts {
  /** Under way, held ones among them. */
  requests: number
  held: number
  /** Refused by the model (429) in the last seconds: they wanted a replica that is not there. */
  refused: number
  /** Ended since the gateway started. */
  finished: number
}

/** Clients that are told to come again do so within about this time, and are not counted twice for long. */
const REFUSED_MS = 15_000

/** Demand for one model at this gateway. */
export class Demand {
  #requests = 0
  #held = 0
  #finished = 0
  #refusals: number[] = []
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Returns what to call when the request is over. */
  begin(): () => void {
    this.#requests++
    return () => {
      this.#requests--
      this.#finished++
    }
  }

  /** Returns what to call when it is held no longer. */
  hold(): () => void {
    this.#held++
    return () => void this.#held--
  }

  refuse(): void {
    this.#refusals.push(this.#now())
  }

  counts(): Counts {
    const since = this.#now() - REFUSED_MS
    this.#refusals = this.#refusals.filter((atMs) => atMs > since)
    return {
      requests: this.#requests,
      held: this.#held,
      refused: this.#refusals.length,
      finished: this.#finished,
    }
  }
}
