const FIRST_MS = 250
const LONGEST_MS = 30_000

/** Milliseconds to wait after so many failures in a row before the next start. */
export function backoffMs(failedInRow: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failedInRow, 10))
}
