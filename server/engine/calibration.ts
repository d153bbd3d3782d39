import { CostTable, UNKNOWN_COST } from './cost-table.ts'
import type { DecodeSlots } from './decode-slots.ts'

/** Of each number of rows; the shortest counts: whatever else the machine did made others longer. */
const ROUNDS = 5
/** Until it is seen again whether others still use the cores. */
const DISTURBED_MS = 1000

export interface CalibrationOptions {
  context: DecodeSlots
  /** Any token of the vocabulary. */
  token: number
  /** Tokens that a slot holds. */
  lengthOf: (slot: number) => number
  /** From an earlier start of the same model on the same host and build. */
  known?: CostTable
  /** Called once, when the table is complete. */
  done?: (table: CostTable) => void
  on: boolean
  /** false: others use the same cores, so nothing is measured now. Default: true. */
  undisturbed?: () => boolean
  /** How long the engine must have been idle: those who wait for a start are served first. Default: 0. */
  quietMs?: number
  /** Milliseconds; replaced where time is simulated. */
  now?: () => number
}

/** Measures decode steps of 1 to all rows while the engine is idle, one at a time. */
export class Calibration {
  table: CostTable
  readonly #options: CalibrationOptions
  readonly #shortest: number[]
  #measured = 0

  constructor(options: CalibrationOptions) {
    this.#options = options
    this.table = options.known ?? UNKNOWN_COST
    this.#shortest = Array.from({ length: options.context.slots }, () => Infinity)
  }

  /**
   * Milliseconds until the next measurement, of an engine that has been idle for `idleMs`; 0: now.
   * Undefined: there is nothing to measure, or no room for it.
   */
  dueIn(idleMs: number): number | undefined {
    const { context, lengthOf, on, quietMs = 0, undisturbed = () => true } = this.#options
    if (!on || this.table.known || context.slots === 1) return undefined
    if (this.#nextSlots().some((slot) => lengthOf(slot) >= context.contextSize)) return undefined
    if (idleMs < quietMs) return quietMs - idleMs
    return undisturbed() ? 0 : DISTURBED_MS
  }

  /** Measures one step. What the slots hold stays as it is. */
  async measure(): Promise<void> {
    const { context, token, lengthOf, now = () => performance.now() } = this.#options
    const slots = this.#nextSlots()
    const rows = slots.length
    const tokens = Uint32Array.of(token)
    const started = now()
    await context.decode(
      slots.map((slot) => ({ slot, position: lengthOf(slot), tokens, pad: true })),
    )
    const ms = now() - started
    this.#shortest[rows - 1] = Math.min(this.#shortest[rows - 1] ?? Infinity, ms)
    if (++this.#measured === ROUNDS * context.slots) {
      this.table = new CostTable(this.#shortest)
      this.#options.done?.(this.table)
    }
  }

  #nextSlots(): number[] {
    const rows = (this.#measured % this.#options.context.slots) + 1
    return Array.from({ length: rows }, (_, slot) => slot)
  }
}
