/** Clients that left, and when their slots were free again. Pure. */

export const MOMENTS = ['waiting', 'prefill', 'decoding'] as const
export type Moment = (typeof MOMENTS)[number]

/** A client that leaves so long after it was first seen at `from`: on a slow machine too some leave at each. */
export interface Visit {
  prompt: number[]
  from: Moment
  stayMs: number
}

/** One that left: when, what it was at, and how long its slot was kept beyond the running step. */
export interface Leave {
  moment: Moment
  lateMs: number
}

/**
 * Calls for which the engine has not said anything yet, in the order in which they were sent, of which
 * the first are read now: it runs `running`, and `answered` of these have said something. A line of equals
 * (one tenant, one priority, nothing cached) is served first come, first served.
 */
export function beingRead<Call>(
  silent: readonly Call[],
  { running, answered }: { running: number; answered: number },
): Call[] {
  return silent.slice(0, Math.max(0, running - answered))
}

/** What the engine says of itself at a time: requests that it holds, and when its last step ended. */
export interface Sample {
  atMs: number
  held: number
  stepMs: number
}

/** Of a cut connection, until the engine has heard of it: through the gateway and the model role. */
const HOP_MS = 25

/**
 * Of clients that came together and left at `leftMs`: how long beyond the step that ran then the
 * engine held more than those who were still there. Infinity: for good. Who asked but had not reached the
 * engine yet counts as there, so poll on until nobody is.
 */
export function lateness(leftMs: readonly number[], samples: readonly Sample[]): number[] {
  return leftMs.map((at) => {
    const present = (now: number) => leftMs.filter((left) => left > now).length
    const after = samples.filter(({ atMs }) => atMs >= at)
    const free = after.find(({ atMs, held }) => held <= present(atMs))
    if (free === undefined) return Infinity
    const step = after.find(({ stepMs }) => stepMs >= at + HOP_MS)
    return Math.max(0, free.atMs - (step?.stepMs ?? at))
  })
}
