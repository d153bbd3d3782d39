/** What the engine measures of itself while it works: rates for planning and predictions. */
export class Pace {
  #prefillTokensPerMs: number
  #decodeStepMs: number
  #holdMs: number
  #copyMs: number

  constructor() {
    // Before anything was measured: a small model on two cores. The first steps correct it.
    this.#prefillTokensPerMs = 0.3
    this.#decodeStepMs = 50
    this.#holdMs = 1000
    this.#copyMs = 4
  }

  get prefillTokensPerMs(): number {
    return this.#prefillTokensPerMs
  }

  get decodeStepMs(): number {
    return this.#decodeStepMs
  }

  /** How long a request holds a slot. */
  get holdMs(): number {
    return this.#holdMs
  }

  /** Copying a slot to another, up to the end of the step that does it. */
  get copyMs(): number {
    return this.#copyMs
  }

  prefilled(tokens: number, ms: number): void {
    // A handful of rows says more of the step's fixed cost than of the rate.
    if (tokens >= 16) this.#prefillTokensPerMs = mix(this.#prefillTokensPerMs, tokens / ms)
  }

  decoded(ms: number): void {
    this.#decodeStepMs = mix(this.#decodeStepMs, ms)
  }

  held(ms: number): void {
    this.#holdMs = mix(this.#holdMs, ms)
  }
}

const WEIGHT = 0.2
const mix = (before: number, now: number) => before + WEIGHT * (now - before)
