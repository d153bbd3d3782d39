import { expect } from 'vitest'
import { WaitingLine } from '../../server/engine/waiting-line.ts'
import type { Load, Waiting } from '../../server/engine/waiting-line.ts'

/** On a clock that tests move. */
export const AGING_MS = 1000
/** Every slot is busy, one a second comes free; prefill of 1 token a millisecond. */
export const BUSY: Load = {
  ...{ freeSlots: 0, slots: 4, prefillTokensPerMs: 1, prefillShare: 1 },
  ...{ runningPrefillTokens: 0, msUntilFreeSlot: 500, slotHoldMs: 4000 },
}
export const IDLE: Load = { ...BUSY, freeSlots: 4, msUntilFreeSlot: 0 }

export function line(options: Partial<ConstructorParameters<typeof WaitingLine>[0]> = {}) {
  return new WaitingLine({
    ...{ maxQueued: 10_000, firstTokenMs: Infinity, agingMs: AGING_MS },
    ...options,
  })
}

let lastId = 0
export const waiting = (fields: Partial<Waiting> = {}): Waiting => ({
  ...{ id: ++lastId, tenant: 'a', priority: 'normal', promptTokens: 100, maxTokens: 40 },
  ...{ arrivedMs: 0 },
  ...fields,
})
export const cold = () => 0

/** Offers one request and gives its id back. */
export function add(queue: WaitingLine, fields: Partial<Waiting> = {}, nowMs = 0): number {
  const request = waiting({ arrivedMs: nowMs, ...fields })
  expect(queue.offer(request, 0, BUSY, nowMs)).toMatchObject({ admitted: true })
  return request.id
}

export function drain(
  queue: WaitingLine,
  nowMs = 0,
  cached: (id: number) => number = cold,
): number[] {
  const ids: number[] = []
  for (let next = queue.next(nowMs, cached); next; next = queue.next(nowMs, cached)) {
    ids.push(next.id)
  }
  return ids
}
