import { expect } from 'vitest'
import { CostTable } from '../../server/engine/cost-table.ts'
import { GREEDY } from '../../server/engine/decode-context.ts'
import type { Guesses } from '../../server/engine/drafts.ts'
import type { GenerateRequest } from '../../server/engine/engine.ts'
import { request, solo, textOf } from './simulated-engine.ts'
import type { Told } from './simulated-engine.ts'
import { END, nextToken, SimulatedSlots } from './simulated-slots.ts'

/** Measured on an EPYC: 5 to 7 rows cost more than 8. */
export const DIPPED = new CostTable([12.6, 24.1, 37.1, 31.1, 50, 64.2, 64, 43.2])
/** Prompt tokens a millisecond. */
export const RATE = 0.3

export const slotsOf = (slots: number, { contextSize = 4096, batchSize = 512 } = {}) =>
  new SimulatedSlots(
    { slots, contextSize, batchSize },
    { decodeMs: (rows) => DIPPED.of(rows), prefillTokensPerMs: RATE },
  )

export const tokens = (length: number, seed: number) =>
  Array.from({ length }, (_, at) => (Math.imul(at + 7, seed * 2 + 1) >>> 3) % END)

/** A greedy request whose answer alone is so long. */
export function answering(least: number, fields: Partial<GenerateRequest> = {}): GenerateRequest {
  for (let seed = 1; seed < 5000; seed++) {
    const found = request({ prompt: tokens(6, seed), maxTokens: least, ...fields })
    const { tokens: answer } = solo(found)
    if (answer.length === least) return found
  }
  throw new Error('no such request')
}

export function expectSolo(told: Told | undefined, asked: GenerateRequest): void {
  const { text, tokens: answer, finish } = solo(asked)
  expect(told?.last).toMatchObject({ kind: 'end' })
  expect(textOf(told!)).toBe(text)
  expect(told?.pieces.map((piece) => piece.finish)).toEqual([
    ...told!.pieces.slice(1).map(() => undefined),
    finish,
  ])
  expect(told?.pieces.map(({ cachedTokens }) => cachedTokens !== undefined)).toEqual(
    told?.pieces.map((_, at) => at === 0),
  )
  const counted = told?.pieces.reduce((sum, piece) => sum + piece.tokens, 0)
  expect(counted).toBe(answer.length)
}

/** Knows what a greedy answer will be, and errs now and then. */
export class Fortune implements Guesses {
  propose(held: readonly number[], _: CostTable, most: number): number[] {
    const guesses: number[] = []
    while (guesses.length < Math.min(most, held.length % 6)) {
      const said = [...held, ...guesses]
      const next = nextToken(said, GREEDY, 0)
      guesses.push(said.length % 5 === 0 ? (next + 1) % END : next)
    }
    return guesses
  }

  learn(): void {
    // It knows already.
  }
}

/** Tokens of prompts that were evaluated. */
export const prefilled = (context: SimulatedSlots) =>
  context.steps
    .filter(({ kind }) => kind === 'prefill')
    .flatMap(({ parts }) => parts)
    .reduce((sum, part) => sum + part.tokens.length, 0)
