/** What the engine knows now, before any newcomer. */
export interface Load {
  freeSlots: number
  slots: number
  /** Rate of prefill with nothing beside it; above 0, Infinity: not known yet. */
  prefillTokensPerMs: number
  /** Share of the time that prefill gets while others decode, 0 to 1. */
  prefillShare: number
  /** Tokens of prefill still due of running requests that are read before the newcomer. */
  runningPrefillTokens: number
  /** Until a slot is free when none is; 0 when one is. */
  msUntilFreeSlot: number
  /** Average time that one request holds a slot. */
  slotHoldMs: number
}

/** What is served before a request, and what it needs itself. */
export interface Ahead {
  requests: number
  /** Prompt tokens of theirs that the prefix cache does not hold. */
  tokens: number
  /** The same of the request itself. */
  ownTokens: number
}

/** Decode-first steps leave prefill this much at the least, or a newcomer would wait for ever. */
const LEAST_SHARE = 0.01

/**
 * Milliseconds from now to the first token. Waiting for a slot and the prefill of those ahead overlap
 * (a slot's hold time includes its prefill), so the longer of the two counts, then the own prefill.
 * Never falls when anything of the load or of what is ahead grows.
 */
export function predictFirstTokenMs(ahead: Ahead, load: Load): number {
  const alone = load.freeSlots >= load.slots && ahead.requests === 0
  const share = alone ? 1 : Math.min(1, Math.max(LEAST_SHARE, load.prefillShare))
  const prefillMs = (tokens: number) =>
    tokens <= 0 ? 0 : tokens / (load.prefillTokensPerMs * share)
  const before = prefillMs(load.runningPrefillTokens + ahead.tokens)
  return Math.max(before, slotWaitMs(ahead.requests, load)) + prefillMs(ahead.ownTokens)
}

/** Until those ahead have left a slot over. */
function slotWaitMs(requestsAhead: number, load: Load): number {
  const missing = requestsAhead + 1 - load.freeSlots
  if (missing <= 0) return 0
  const betweenMs = load.slotHoldMs / load.slots
  if (load.freeSlots > 0) return missing * betweenMs
  return load.msUntilFreeSlot + (missing - 1) * betweenMs
}
