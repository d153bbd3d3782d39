import type { Load } from './first-token.ts'
import type { Pace } from './pace.ts'
import { prefillMs, readingOrder } from './step-planner.ts'
import type { Stream } from './stream.ts'

/** A request that comes: how many tokens of it must be read. */
export interface Newcomer {
  nowMs: number
  tokens: number
}

/** What a newcomer meets. `streams`: by slot, undefined: free. */
export function loadOf(
  streams: readonly (Stream | undefined)[],
  pace: Pace,
  interTokenMs: number,
  { nowMs, tokens }: Newcomer,
): Load {
  const { decodeStepMs, steadyDecodeStepMs, holdMs } = pace
  const { prefillTokensPerMs, steadyPrefillTokensPerMs, measured } = pace
  const running = streams.filter((stream) => stream !== undefined)
  const freeSlots = streams.length - running.length
  const soonest = Math.min(...running.map(({ likelyLeft }) => likelyLeft))
  // Chunks are planned by steady rates and mostly end before their time.
  const chunkMs =
    prefillMs(interTokenMs, steadyDecodeStepMs) * (steadyPrefillTokensPerMs / prefillTokensPerMs)
  const share = chunkMs / (chunkMs + decodeStepMs)
  const own = readingOrder({ startedMs: nowMs, total: tokens }, prefillTokensPerMs)
  const before = running.filter((each) => readingOrder(each, prefillTokensPerMs) <= own)
  return {
    freeSlots,
    slots: streams.length,
    prefillTokensPerMs: measured ? prefillTokensPerMs : Infinity,
    prefillShare: running.some(({ due }) => due === 0) ? share : 1,
    runningPrefillTokens: before.reduce((sum, { due }) => sum + due, 0),
    msUntilFreeSlot: freeSlots > 0 || !measured ? 0 : soonest * decodeStepMs,
    slotHoldMs: measured ? holdMs : 0,
  }
}
