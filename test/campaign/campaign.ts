import type { ModelName } from '../bench/engine/options.ts'

/**
 * Campaigns are about answers, not about speed: threads that wait by spinning for long make every step ten
 * times as long as soon as anything else needs the cores. Of all engines and peers that are started here.
 */
process.env['OMP_WAIT_POLICY'] ??= 'passive'
process.env['GOMP_SPINCOUNT'] ??= '2000'

export interface Settings {
  model: ModelName
  /** Prompts, pairs, requests, kills or updates: what the campaign is about. */
  size: number
  /** Progress for a person. */
  say: (line: string) => void
}

/** What a campaign saw. */
export interface Outcome {
  /** In the order in which a reader wants them. */
  figures: [label: string, value: string][]
  /** What broke a promise; empty: all were kept. */
  failures: string[]
}

export interface Campaign {
  /** One line above the figures. */
  title: string
  /** What one of `size` is. */
  unit: string
  size: number
  model: ModelName
  run: (settings: Settings) => Promise<Outcome>
}

/** Three figures are enough to compare by. */
export const show = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '-'

export const percent = (part: number, whole: number): string =>
  whole === 0 ? '-' : `${part} of ${whole} (${show((part / whole) * 100)} %)`

/** At most ten of many, with their number. */
export const firstOf = (lines: readonly string[]): string[] =>
  lines.length <= 10 ? [...lines] : [...lines.slice(0, 10), `and ${lines.length - 10} more`]
