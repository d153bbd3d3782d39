import { ACCELERATORS } from '../../catalog/accelerators/index.ts'
import { ClusterApiPoolSchema, KarpenterPoolSchema } from '../../catalog/node-pool.ts'
import { JurisdictionSchema } from '../../catalog/stack-file.ts'
import { karpenterNodePool } from '../../infra/nodes/karpenter.ts'
import { placementOf, ZONE_LABEL } from '../../infra/nodes/placement.ts'
import { SIMULATED_NODE_CLASS } from '../../infra/rehearsal/fleet.ts'
import { CLUSTER_API_POOL } from './pool-stacks.ts'

export const ZONES = ['my-central-1a', 'my-central-1b']

export const jurisdiction = JurisdictionSchema.parse({ country: 'MY', regions: ['my-central-1'] })
export const pool = KarpenterPoolSchema.parse({
  name: 'l40s',
  provisioner: 'karpenter',
  accelerator: 'nvidia-l40s',
  max: 8,
  zones: ZONES,
  nodeClassRef: SIMULATED_NODE_CLASS,
  consolidateAfter: '1s',
  disruptedAtOnce: 100,
})
export const accelerator = ACCELERATORS[pool.accelerator]
export const nodePool = karpenterNodePool(pool, accelerator, jurisdiction)

export const clusterApiPool = ClusterApiPoolSchema.parse({
  ...{ ...CLUSTER_API_POOL, zones: ZONES },
  machineTaints: true,
})

/** Over the zones; when one is lost, only the second lets its pods run elsewhere. */
export type Spread = 'DoNotSchedule' | 'ScheduleAnyway'

/** Pods that ask for one card and spread over the zones, as a model's replicas do. */
function podSpec(country: string, spread: Spread) {
  const labels = { app: country.toLowerCase() }
  const placement = placementOf(pool, accelerator, { ...jurisdiction, country }, 1)
  const limits = { 'nvidia.com/gpu': placement.accelerator?.count }
  return {
    metadata: { labels },
    spec: {
      affinity: placement.affinity,
      tolerations: placement.tolerations,
      topologySpreadConstraints: [
        {
          ...{ maxSkew: 1, topologyKey: ZONE_LABEL, whenUnsatisfiable: spread },
          labelSelector: { matchLabels: labels },
        },
      ],
      terminationGracePeriodSeconds: 1,
      // No node of this test runs it: kwok only says that it runs.
      containers: [{ name: 'server', image: 'serantau.local/none', resources: { limits } }],
    },
  }
}

export const deployment = (country: string, replicas: number, spread: Spread) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: `model-${country.toLowerCase()}`, namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: country.toLowerCase() } },
    template: podSpec(country, spread),
  },
})
