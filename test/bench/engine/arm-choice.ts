import { ARM_NAMES, type ArmName } from './arms.ts'
import type { Workload } from './workloads/workload.ts'

/** No servers: llama-batched-bench says how fast a step can be, `engine` is ours without HTTP. */
export const LOOPS = ['engine', 'batched-bench', 'batched-bench-ours'] as const
export type LoopName = (typeof LOOPS)[number]
export type AnyArm = ArmName | LoopName

/** What a gateway adds has a workload of its own. */
const SERVERS: readonly AnyArm[] = ARM_NAMES.filter(
  (arm) => arm !== 'gateway' && arm !== 'llama-server-kernels',
)
/** They tell what of a gain is kernels: wherever asked for, beside the arm with the stock ones. */
const BESIDE: readonly (readonly [AnyArm, AnyArm])[] = [
  ['llama-server-kernels', 'llama-server-best'],
  ['batched-bench-ours', 'batched-bench'],
]

/** Arms of one workload: of those `asked` for the ones that it has, or else its default ones. */
export function armsOf(
  { arms = SERVERS }: Pick<Workload, 'arms'>,
  asked: readonly AnyArm[] | undefined,
): AnyArm[] {
  if (asked === undefined) return [...arms]
  const more = BESIDE.filter(([, stock]) => arms.includes(stock)).map(([arm]) => arm)
  return asked.filter((arm) => arms.includes(arm) || more.includes(arm))
}

/** They have to be built first, which takes minutes. */
export const isPeer = (arm: AnyArm): boolean =>
  arm.startsWith('llama-server') || arm.startsWith('batched-bench')
/** Whether the flags that a search finds are given to it. */
export const isTuned = (arm: AnyArm): boolean =>
  arm === 'llama-server-best' || arm === 'llama-server-kernels'
