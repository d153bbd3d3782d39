import { expect, test } from 'vitest'
import { loadOf } from '../../server/engine/load.ts'
import { Pace } from '../../server/engine/pace.ts'
import type { Stream } from '../../server/engine/stream.ts'

const stream = (due: number, likelyLeft: number, total = due, startedMs = 0) =>
  ({ due, likelyLeft, total, startedMs }) as Stream
const NEWCOMER = { nowMs: 1000, tokens: 100 }

/** A hundred steps of 40 ms and chunks of 100 tokens in `chunkMs`. */
function paceOf(chunkMs: (step: number) => number): Pace {
  const pace = new Pace()
  for (let step = 0; step < 100; step++) {
    pace.decoded(40)
    pace.prefilled(100, chunkMs(step))
  }
  return pace
}

test('prefill gets what the budget leaves beside a decode step, less where chunks are uneven', () => {
  const streams = [stream(0, 5), stream(70, 9), undefined]
  const even = loadOf(
    streams,
    paceOf(() => 100),
    100,
    NEWCOMER,
  )
  const uneven = loadOf(
    streams,
    paceOf((step) => (step % 2 === 0 ? 60 : 140)),
    100,
    NEWCOMER,
  )
  expect(even.prefillShare).toBeCloseTo(0.6, 2)
  expect(uneven.prefillShare).toBeLessThan(0.5)
  expect(even).toMatchObject({ freeSlots: 1, slots: 3, runningPrefillTokens: 70 })
  expect(even.msUntilFreeSlot).toBe(0)
})

test('nobody decodes: prefill has all the time; no slot is free: the shortest answer ends first', () => {
  const pace = paceOf(() => 100)
  expect(loadOf([stream(70, 9), undefined], pace, 100, NEWCOMER).prefillShare).toBe(1)
  const full = [stream(0, 5), stream(0, 9)]
  expect(loadOf(full, pace, 100, NEWCOMER).msUntilFreeSlot).toBeCloseTo(200, 0)
})

test('a newcomer waits for the prompts that are read before it, not for longer ones', () => {
  // A token a millisecond: the first is due before the newcomer, the second long after it.
  const streams = [stream(40, 9, 300, 700), stream(5000, 9, 6000, 500)]
  const load = (tokens: number) =>
    loadOf(
      streams,
      paceOf(() => 100),
      100,
      { nowMs: 1000, tokens },
    ).runningPrefillTokens
  expect([load(100), load(6000)]).toEqual([40, 5040])
})

test('what was never measured keeps nobody waiting', () => {
  const load = loadOf([stream(500, 9), stream(0, 9)], new Pace(), 100, NEWCOMER)
  expect(load).toMatchObject({ prefillTokensPerMs: Infinity, msUntilFreeSlot: 0, slotHoldMs: 0 })
})
