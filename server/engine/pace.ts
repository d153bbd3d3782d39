/** What the engine measures of itself while it works: rates for planning and predictions. */
export class Pace {
  /** undefined: none was measured, as with the others. */
  #prefillTokenMs: number | undefined
  #prefillDeviationMs = 0
  #decodeStepMs: number | undefined
  #decodeDeviationMs = 0
  #holdMs: number | undefined
  #copyMs: number | undefined

  /** false: nobody is refused for what was never measured. */
  get measured(): boolean {
    return this.#prefillTokenMs !== undefined
  }

  get prefillTokensPerMs(): number {
    return 1 / (this.#prefillTokenMs ?? BEFORE.prefillTokenMs)
  }

  /** What all but a few steps reach: a mean is missed by half of them, and a pause is felt. */
  get steadyPrefillTokensPerMs(): number {
    const mean = this.#prefillTokenMs ?? BEFORE.prefillTokenMs
    return 1 / (mean + DEVIATIONS * this.#prefillDeviationMs)
  }

  get decodeStepMs(): number {
    return this.#decodeStepMs ?? BEFORE.decodeStepMs
  }

  /** What all but a few steps stay within, as with prompts. */
  get steadyDecodeStepMs(): number {
    return this.decodeStepMs + DEVIATIONS * this.#decodeDeviationMs
  }

  /** How long a request holds a slot. */
  get holdMs(): number {
    return this.#holdMs ?? BEFORE.holdMs
  }

  /** Copying a slot to another, in the decode step that does it. */
  get copyMs(): number {
    return this.#copyMs ?? BEFORE.copyMs
  }

  /** `copies` were made by the same step. */
  prefilled(tokens: number, ms: number, copies = 0): void {
    // A handful of rows says more of the step's fixed cost than of the rate.
    if (tokens < 16) return
    const reading = Math.max(ms / 2, ms - copies * this.copyMs)
    const each = reading / tokens
    // The first says nothing of how far others are from it.
    const off = Math.abs(each - (this.#prefillTokenMs ?? each * (1 + FIRST_DEVIATION)))
    this.#prefillDeviationMs = this.measured ? mix(this.#prefillDeviationMs, off) : off
    this.#prefillTokenMs = mix(this.#prefillTokenMs, each)
  }

  decoded(ms: number): void {
    const off = Math.abs(ms - (this.#decodeStepMs ?? ms))
    this.#decodeDeviationMs = mix(this.#decodeDeviationMs, off)
    this.#decodeStepMs = mix(this.#decodeStepMs, ms)
  }

  /** `ms` beyond what the step takes without copies. */
  copied(copies: number, ms: number): void {
    this.#copyMs = mix(this.#copyMs, Math.max(0, ms) / copies)
  }

  held(ms: number): void {
    this.#holdMs = mix(this.#holdMs, ms)
  }
}

/** Before anything was measured: a small model on two cores. */
const BEFORE = { prefillTokenMs: 3, decodeStepMs: 50, holdMs: 1000, copyMs: 4 }
/** Mean deviations beyond the mean, as for the timeout of TCP (RFC 6298), which takes four. */
const DEVIATIONS = 2
const FIRST_DEVIATION = 0.25
const WEIGHT = 0.2
const mix = (before: number | undefined, now: number) =>
  before === undefined ? now : before + WEIGHT * (now - before)
