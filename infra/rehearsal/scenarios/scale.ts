import { zonesInUse } from '../observation.ts'
import { type Outcome, type Stage, expectAfter } from '../outcome.ts'

export const scale = ({ fleet, workload }: Stage, replicas: number) =>
  fleet.kubectl(
    ...['-n', workload.namespace, 'scale', 'deployment', workload.deployment],
    `--replicas=${replicas}`,
  )

/** 0 -> N: nodes appear for the pods, inside the zones of the pool. */
export const scaleUp = (stage: Stage, replicas: number): Promise<Outcome> =>
  expectAfter(
    stage,
    `${replicas} pods run on nodes that were made for them, in the zones of the pool`,
    90,
    () => scale(stage, replicas),
    (seen) =>
      seen.pods.length === replicas &&
      seen.pods.every(({ ready }) => ready) &&
      zonesInUse(seen).every((zone) => stage.zones.includes(zone)),
  )

/** N -> 0: nobody pays for a node without work. Karpenter looks for empty nodes every 10 s and waits 15 s more. */
export const scaleToZero = (stage: Stage): Promise<Outcome> =>
  expectAfter(
    stage,
    'with no pod left, all nodes go',
    180,
    () => scale(stage, 0),
    ({ nodes, pods }) => nodes.length === 0 && pods.length === 0,
  )
