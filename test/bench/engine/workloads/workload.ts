import type { AnyArm } from '../arm-choice.ts'
import type { RunningArm } from '../arms.ts'
import type { Figures } from '../load.ts'
import type { Prompts } from '../prompts.ts'

/** What a workload may use; one run of one arm. */
export interface Session {
  prompts: Prompts
  /** Differs from run to run and not from arm to arm: no run meets the cache of an earlier one. */
  seed: number
  /** Few requests: to see that it works, and for the search of the best flags. */
  quick: boolean
  slots: number
  /** Requests that the soak sends. */
  soakRequests: number
  /** Requests a second that the best llama-server serves at 16 streams. */
  capacity: number
  /** A fresh server that has answered once already. */
  start: () => Promise<RunningArm>
  /** A fresh server, and how long it took to be ready, ms. */
  startCold: () => Promise<{ arm: RunningArm; readyMs: number }>
  /** Runs a case with memory, processor time and load recorded beside its figures. */
  measure: (arm: RunningArm, work: () => Promise<Figures>) => Promise<Figures>
}

/** Figures by the name of the case. */
export type Cases = Record<string, Figures>

export interface Workload {
  title: string
  /** Tokens of one request. */
  context: number
  run: (session: Session) => Promise<Cases>
  /** What an operator would set in our model role's config for such work. */
  serving?: (prompts: Prompts) => object
  /** What the search of llama-server's best flags makes as great as it can. */
  score: (cases: Cases) => number
  /** Only these; absent: every server. */
  arms?: readonly AnyArm[]
  /** Further flags that are tried, each against none. */
  tries?: string[][]
}

/** One fresh arm for the cases, and its end whatever happens. */
export async function withArm(
  session: Session,
  work: (arm: RunningArm) => Promise<Cases>,
): Promise<Cases> {
  const arm = await session.start()
  try {
    return await work(arm)
  } finally {
    await arm.stop()
  }
}

export const figure = (cases: Cases, name: string, metric: string): number =>
  cases[name]?.[metric] ?? Number.NaN
