import type { Load } from './first-token.ts'
import type { Pace } from './pace.ts'
import { prefillMs } from './step-planner.ts'
import type { Stream } from './stream.ts'

/** What a newcomer meets. `streams`: by slot, undefined: free. */
export function loadOf(
  streams: readonly (Stream | undefined)[],
  { decodeStepMs, holdMs, prefillTokensPerMs, steadyPrefillTokensPerMs }: Pace,
  interTokenMs: number,
): Load {
  const running = streams.filter((stream) => stream !== undefined)
  const freeSlots = streams.length - running.length
  const soonest = Math.min(...running.map(({ likelyLeft }) => likelyLeft))
  // Chunks are planned by the steady rate and mostly end before their time.
  const chunkMs =
    prefillMs(interTokenMs, decodeStepMs) * (steadyPrefillTokensPerMs / prefillTokensPerMs)
  const share = chunkMs / (chunkMs + decodeStepMs)
  return {
    freeSlots,
    slots: streams.length,
    prefillTokensPerMs,
    prefillShare: running.some(({ due }) => due === 0) ? share : 1,
    runningPrefillTokens: running.reduce((sum, { due }) => sum + due, 0),
    msUntilFreeSlot: freeSlots > 0 ? 0 : soonest * decodeStepMs,
    slotHoldMs: holdMs,
  }
}
