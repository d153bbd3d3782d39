/** Milliseconds of a decode step by its rows; `ms[0]` is one row. Not monotonic: tiles are 4 to 16 rows. */
export class CostTable {
  readonly ms: readonly number[]

  constructor(ms: readonly number[]) {
    this.ms = ms
  }

  get known(): boolean {
    return this.ms.length > 0
  }

  /** Of a step of `rows`; beyond what was measured, in proportion to the last. 0: nothing is known. */
  of(rows: number): number {
    const last = this.ms.at(-1)
    if (rows <= 0 || last === undefined) return 0
    return this.ms[rows - 1] ?? (last * rows) / this.ms.length
  }
}

export const UNKNOWN_COST = new CostTable([])
