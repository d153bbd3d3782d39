import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ArmName, Setup } from './arms.ts'
import type { BestFlags } from './best-flags.ts'
import type { LlamaFlags } from './llama-flags.ts'
import type { Machine } from './machine.ts'
import type { Options } from './options.ts'
import type { Prompts } from './prompts.ts'
import type { ArmResult, Results } from './results.ts'
import { WORKLOADS } from './workloads/index.ts'
import type { Workload } from './workloads/workload.ts'

/** Everything that stays the same while the command runs. */
export interface Bench {
  options: Options
  setup: Omit<Setup, 'context' | 'best' | 'serving' | 'stateFolder'>
  /** What our model role keeps from start to start: a folder an arm of a workload. */
  states: string
  machine: Machine
  prompts: Prompts
  best: BestFlags
  /** Where figures of earlier commands are kept. */
  store: string
  results: Results
  /** Requests a second that our server serves, once measured. */
  ownCapacity?: number
  stamp: Pick<ArmResult, 'at' | 'commit' | 'command'>
}

/** Each arm has a state folder of its own: an engine refuses what another build has measured. */
export function setupOf(
  { setup, prompts, states }: Pick<Bench, 'setup' | 'prompts' | 'states'>,
  workload: string,
  arm: ArmName,
  best: LlamaFlags,
): Setup {
  const { context, serving } = WORKLOADS[workload] as Workload
  const stateFolder = join(states, workload, arm)
  mkdirSync(stateFolder, { recursive: true })
  return { ...setup, context, best, serving: serving?.(prompts) ?? {}, stateFolder }
}
