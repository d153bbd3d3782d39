import type { AnyArm } from '../arm-choice.ts'
import type { RunningArm } from '../arms.ts'
import type { LlamaFlags } from '../llama-flags.ts'
import type { Figures } from '../load.ts'
import type { Prompts } from '../prompts.ts'

/** What a workload may use; one run of one arm. */
export interface Session {
  prompts: Prompts
  /** Differs from run to run and not from arm to arm: no run meets the cache of an earlier one. */
  seed: number
  /** Few requests and few numbers of streams: to see that it works. */
  quick: boolean
  /** Only the cases of these numbers of streams, each whole; undefined: all. */
  streams?: readonly number[]
  slots: number
  /** Requests that the soak sends. */
  soakRequests: number
  /** Requests a second at 16 streams of whichever serves more: the best llama-server or ours. */
  capacity: number
  /** A fresh server that has answered once already. */
  start: () => Promise<RunningArm>
  /** Runs a case with memory, processor time and load recorded beside its figures. */
  measure: (arm: RunningArm, work: () => Promise<Figures>) => Promise<Figures>
  /** The same of a fresh server that has answered nothing, with its start (`readyMs`); it stays up. */
  measureStart: (
    work: (arm: RunningArm, readyMs: number) => Promise<Figures>,
  ) => Promise<{ arm: RunningArm; figures: Figures }>
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
  /**
   * What the search of llama-server's best flags makes as great as it can; `first` is what the flags
   * did that it began with.
   */
  score: (cases: Cases, first: Cases) => number
  /** Flags with which the work can be done at all; absent: all. */
  admits?: (flags: LlamaFlags) => boolean
  /** Runs only when the command names it. */
  onlyNamed?: boolean
  /** Only these; absent: every server. */
  arms?: readonly AnyArm[]
  /** Dimensions of the search; absent: all. The others stay as W1 found them, whose search is whole. */
  searches?: readonly (keyof LlamaFlags)[]
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
