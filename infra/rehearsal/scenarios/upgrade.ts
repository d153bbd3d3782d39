import { observe } from '../observation.ts'
import { type Outcome, type Stage, expectAfter } from '../outcome.ts'

/** Every pod is replaced by a new one, as an upgrade of the server does. */
export async function rollUpgrade(stage: Stage): Promise<Outcome> {
  const { fleet, workload } = stage
  const { pods } = await observe(fleet.kubectl, workload)
  const old = new Set(pods.map(({ name }) => name))
  return expectAfter(
    stage,
    `all ${pods.length} pods are replaced and run`,
    180,
    () =>
      fleet.kubectl(
        ...['-n', workload.namespace, 'rollout', 'restart', 'deployment', workload.deployment],
      ),
    (seen) =>
      seen.pods.length === pods.length &&
      seen.pods.every(({ ready, name }) => ready && !old.has(name)),
  )
}
