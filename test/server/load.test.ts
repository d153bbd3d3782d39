import { expect, test } from 'vitest'
import { loadOf } from '../../server/engine/load.ts'
import { Pace } from '../../server/engine/pace.ts'
import type { Stream } from '../../server/engine/stream.ts'

const stream = (due: number, likelyLeft: number) => ({ due, likelyLeft }) as Stream

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
  )
  const uneven = loadOf(
    streams,
    paceOf((step) => (step % 2 === 0 ? 60 : 140)),
    100,
  )
  expect(even.prefillShare).toBeCloseTo(0.6, 2)
  expect(uneven.prefillShare).toBeLessThan(0.5)
  expect(even).toMatchObject({ freeSlots: 1, slots: 3, runningPrefillTokens: 70 })
  expect(even.msUntilFreeSlot).toBe(0)
})

test('nobody decodes: prefill has all the time; no slot is free: the shortest answer ends first', () => {
  const pace = paceOf(() => 100)
  expect(loadOf([stream(70, 9), undefined], pace, 100).prefillShare).toBe(1)
  expect(loadOf([stream(0, 5), stream(0, 9)], pace, 100).msUntilFreeSlot).toBeCloseTo(200, 0)
})
