import type { ModelName } from '../bench/engine/options.ts'

/**
 * Campaigns are about answers, not about speed: threads that wait by spinning for long make every step ten
 * times as long as soon as anything else needs the cores. Of all engines and peers that are started here.
 */
process.env['OMP_WAIT_POLICY'] ??= 'passive'
process.env['GOMP_SPINCOUNT'] ??= '2000'

export interface WithoutModel {
  /** Prompts, pairs, requests, kills or updates: what the campaign is about. */
  size: number
  /** Progress for a person. */
  say: (line: string) => void
}

export interface Settings extends WithoutModel {
  model: ModelName
}

/** What a campaign saw. */
export interface Outcome {
  /** In the order in which a reader wants them. */
  figures: [label: string, value: string][]
  /** What broke a promise; empty: all were kept. */
  failures: string[]
}

interface About {
  /** One line above the figures. */
  title: string
  /** What one of `size` is. */
  unit: string
  size: number
}

/** About a model that answers, or about none. */
export type Campaign = About &
  (
    | { model: ModelName; run: (settings: Settings) => Promise<Outcome> }
    | { model?: undefined; run: (settings: WithoutModel) => Promise<Outcome> }
  )

/** Three figures are enough to compare by. */
export const show = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '-'

export const percent = (part: number, whole: number): string =>
  whole === 0 ? '-' : `${part} of ${whole} (${show((part / whole) * 100)} %)`

/** At most ten of many, with their number. */
export const firstOf = (lines: readonly string[]): string[] =>
  lines.length <= 10 ? [...lines] : [...lines.slice(0, 10), `and ${lines.length - 10} more`]
