import type { GenerateRequest } from '../../../server/engine/engine.ts'
import { type Outcome, percent } from '../campaign.ts'
import type { OpenEngine, Said } from '../open-engine.ts'

/** Tokens: a few more than the shortest prefix that is shared, and than the shortest that is kept in memory. */
export const SHORT = 20
export const LONG = 72
const MAX_TOKENS = 1
const FIRST_TOKEN = 1000
const TOKENS = 20_000

/** Of an engine that pairs ask: nothing but its slots and the RAM tier matters. */
export const PAIRS_ENGINE = { contextSize: 128, slots: 16, shaping: false }

export const promptsOf = (random: () => number, count: number, length: number): number[][] =>
  Array.from({ length: count }, () =>
    Array.from({ length }, () => FIRST_TOKEN + Math.floor(random() * TOKENS)),
  )

export const ask = (
  engine: OpenEngine,
  prompt: number[],
  differs: Partial<GenerateRequest> = {},
): Promise<Said> => engine.ask(prompt, { maxTokens: MAX_TOKENS, ignoreEos: true, ...differs })

/** Those that ask at once may take each other's slots, and what is held in them. */
export async function askInTurn(engine: OpenEngine, prompts: readonly number[][]): Promise<Said[]> {
  const said: Said[] = []
  for (const prompt of prompts) said.push(await ask(engine, prompt))
  return said
}

/** Of those who asked what another had asked before. */
export interface Tally {
  pairs: number
  /** Every token of the prompt. */
  evaluated: number
  /** The answer of the first one. */
  equal: number
}

export const newTally = (): Tally => ({ pairs: 0, evaluated: 0, equal: 0 })

export function count(tally: Tally, first: readonly Said[], second: readonly Said[]): void {
  tally.pairs += second.length
  tally.evaluated += second.filter(({ cachedTokens }) => cachedTokens === 0).length
  tally.equal += second.filter(({ text }, index) => text === first[index]?.text).length
}

/** All must have been evaluated, and answered as the first ones were. */
export function judge(
  name: string,
  { pairs, evaluated, equal }: Tally,
  { figures, failures }: Outcome,
): void {
  const rows = [
    ['every token evaluated', evaluated],
    ['equal answers', equal],
  ] as const
  for (const [what, those] of rows) {
    figures.push([`${name}: ${what}`, percent(those, pairs)])
    if (those < pairs) failures.push(`${name}: ${what}: ${percent(those, pairs)}`)
  }
}
