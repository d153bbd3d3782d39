import { SIMULATED } from '../fleet.ts'
import { observe, zonesInUse } from '../observation.ts'
import { type Outcome, type Stage, expectAfter } from '../outcome.ts'
import { ZONE_LABEL } from '../../nodes/placement.ts'

/**
 * The machines of a zone are gone at once, as a cloud's controller reports it: no node object, no drain.
 * The cloud sells nothing there any more. Kubernetes deletes the pods of nodes that are gone 40 s later.
 */
export async function loseZone(stage: Stage, zone: string): Promise<Outcome> {
  const { fleet, workload } = stage
  const before = await observe(fleet.kubectl, workload)
  return expectAfter(
    stage,
    `${zone} is lost: all ${before.pods.length} pods run in other zones of the pool`,
    180,
    async () => {
      await fleet.closeZone(zone)
      await removeMachines(stage, zone)
    },
    (seen) =>
      seen.pods.length === before.pods.length &&
      seen.pods.every(({ ready }) => ready) &&
      zonesInUse(seen).every((used) => used !== zone && stage.zones.includes(used)),
  )
}

async function removeMachines({ fleet: { kubectl } }: Stage, zone: string): Promise<void> {
  const inZone = ['-l', `${SIMULATED.key}=${SIMULATED.value},${ZONE_LABEL}=${zone}`]
  const nodes = await kubectl.list<{ metadata: { name: string } }>('nodes', ...inZone)
  for (const { metadata } of nodes) {
    // Karpenter's finalizer would drain it first: a lost machine can't be drained.
    await kubectl('patch', 'node', metadata.name, '--type=merge', '-p', NO_FINALIZERS)
    await kubectl('delete', 'node', metadata.name, '--ignore-not-found', '--wait=false')
  }
  await kubectl('delete', 'nodeclaims', '-l', `${ZONE_LABEL}=${zone}`, '--wait=false')
}

const NO_FINALIZERS = JSON.stringify({ metadata: { finalizers: null } })
