/** What the engine measures of itself while it works: rates for planning and predictions. */
export class Pace {
  #prefillTokenMs: number
  #prefillDeviationMs = 0
  #decodeStepMs: number
  #holdMs: number
  #copyMs: number

  constructor() {
    // Before anything was measured: a small model on two cores. The first steps correct it.
    this.#prefillTokenMs = 3
    this.#decodeStepMs = 50
    this.#holdMs = 1000
    this.#copyMs = 4
  }

  get prefillTokensPerMs(): number {
    return 1 / this.#prefillTokenMs
  }

  /** What all but a few steps reach: a mean is missed by half of them, and a pause is felt. */
  get steadyPrefillTokensPerMs(): number {
    return 1 / (this.#prefillTokenMs + DEVIATIONS * this.#prefillDeviationMs)
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
    if (tokens < 16) return
    const off = Math.abs(ms / tokens - this.#prefillTokenMs)
    this.#prefillDeviationMs = mix(this.#prefillDeviationMs, off)
    this.#prefillTokenMs = mix(this.#prefillTokenMs, ms / tokens)
  }

  decoded(ms: number): void {
    this.#decodeStepMs = mix(this.#decodeStepMs, ms)
  }

  held(ms: number): void {
    this.#holdMs = mix(this.#holdMs, ms)
  }
}

/** Mean deviations beyond the mean, as for the timeout of TCP (RFC 6298), which takes four. */
const DEVIATIONS = 2
const WEIGHT = 0.2
const mix = (before: number, now: number) => before + WEIGHT * (now - before)
