import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planPrefill, readingOrder } from '../../server/engine/step-planner.ts'

/** Prompt tokens a millisecond. */
const RATE = 0.5
const UNTIL_MS = 60_000

interface Prompt {
  slot: number
  startedMs: number
  total: number
  due: number
  /** It must be read by then. */
  latestMs: number
}

interface Flood {
  /** Of one prompt after the other: where a slot is free the next is there at once. */
  lengths: readonly number[]
  slots: number
  batchSize: number
}

/** When a prompt of so many tokens would be read, if it were alone from its start on. */
const aloneMs = ({ startedMs, total }: Pick<Prompt, 'startedMs' | 'total'>) =>
  startedMs + total / RATE

/**
 * Until the time when it would have been read alone, others may be read. After that none that comes is
 * before it: only those that are there, each to be read alone before it. Of these, as many as there are
 * other slots started after it and are no longer than itself; the rest was there when it started. A
 * batch that is under way is read to its end.
 */
function latestMs(
  prompt: Pick<Prompt, 'startedMs' | 'total'>,
  there: readonly Prompt[],
  { slots, batchSize }: Flood,
): number {
  const before = there.filter((other) => aloneMs(other) <= aloneMs(prompt))
  const left = before.reduce((sum, { due }) => sum + due, 0)
  return aloneMs(prompt) + (left + slots * prompt.total + batchSize) / RATE
}

/** Reads prompts for a minute on a clock of its own. */
function read(flood: Flood): { late: Prompt[]; started: number } {
  const { lengths, slots, batchSize } = flood
  let running: Prompt[] = []
  const late: Prompt[] = []
  let [nowMs, started] = [0, 0]
  while (nowMs < UNTIL_MS) {
    for (let slot = 0; slot < slots; slot++) {
      if (running.some((prompt) => prompt.slot === slot)) continue
      const total = lengths[started++ % lengths.length]!
      const newcomer = { slot, startedMs: nowMs, total, due: total }
      running.push({ ...newcomer, latestMs: latestMs(newcomer, running, flood) })
    }
    const order = (prompt: Prompt) => readingOrder(prompt, RATE)
    const chunks = planPrefill(
      running.toSorted((a, b) => order(a) - order(b)),
      { batchSize, tokensPerMs: RATE, budgetMs: 100, decodeMs: undefined },
    )
    nowMs += chunks.reduce((sum, { tokens }) => sum + tokens, 0) / RATE
    for (const { slot, tokens } of chunks) {
      running.find((prompt) => prompt.slot === slot)!.due -= tokens
    }
    late.push(...running.filter((prompt) => prompt.latestMs < nowMs))
    running = running.filter(({ due }) => due > 0)
  }
  return { late, started }
}

describe('the order in which prompts are read', () => {
  const length = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 40 }) },
    { weight: 1, arbitrary: fc.integer({ min: 200, max: 900 }) },
  )
  const floods: fc.Arbitrary<Flood> = fc.record({
    lengths: fc.array(length, { minLength: 20, maxLength: 60 }),
    slots: fc.integer({ min: 2, max: 8 }),
    batchSize: fc.constantFrom(16, 64, 512),
  })

  test('lets none wait for ever, however many short ones keep coming, nor behind long ones', () => {
    let prompts = 0
    fc.assert(
      fc.property(floods, (flood) => {
        const { late, started } = read(flood)
        prompts += started
        expect(late).toEqual([])
      }),
      { numRuns: 100 },
    )
    expect(prompts).toBeGreaterThan(10_000)
  })
})
