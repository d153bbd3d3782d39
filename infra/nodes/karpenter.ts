import * as k8s from '@pulumi/kubernetes'
import type { Accelerator } from '../../catalog/accelerator.ts'
import type { KarpenterPool } from '../../catalog/node-pool.ts'
import type { Jurisdiction } from '../../catalog/stack-file.ts'
import { zonesOf } from '../../catalog/zone.ts'
import { poolLabels, ZONE_LABEL } from './placement.ts'
import type { Provisioner } from './provisioner.ts'
import { requireApi } from './required-api.ts'

/** A NodePool of the Karpenter that is there. Throws KitError API_MISSING. */
export const karpenter: Provisioner<'karpenter'> = async (args, opts) => {
  const { pool, accelerator, jurisdiction, target } = args
  const path = `serantau:nodePools "${pool.name}"`
  const from = 'Karpenter of your cloud'
  await requireApi(
    path,
    { group: 'karpenter.sh', version: 'v1', resources: ['nodepools'], from },
    target,
  )
  return () => {
    new k8s.apiextensions.CustomResource(
      pool.name,
      karpenterNodePool(pool, accelerator, jurisdiction),
      opts,
    )
  }
}

interface Requirement {
  key: string
  operator: 'In'
  values: readonly string[]
}

const isIn = (key: string, values: readonly string[]): Requirement[] =>
  values.length === 0 ? [] : [{ key, operator: 'In', values }]

/** The `NodePool` (karpenter.sh/v1) of a pool. Pure. Karpenter asks for nothing outside the regions and zones in it. */
export function karpenterNodePool(
  pool: KarpenterPool,
  accelerator: Accelerator,
  jurisdiction: Jurisdiction,
) {
  const { taint } = accelerator
  return {
    apiVersion: 'karpenter.sh/v1',
    kind: 'NodePool',
    metadata: { name: pool.name },
    spec: {
      limits: limitsOf(pool, accelerator),
      disruption: {
        // A node that holds a model is never emptied to save money: its answers would be cut or moved.
        consolidationPolicy: 'WhenEmpty',
        consolidateAfter: pool.consolidateAfter,
        // Empty nodes hold nothing up: all may go at once.
        budgets: [
          { nodes: `${pool.disruptedAtOnce}`, reasons: ['Drifted', 'Underutilized'] },
          { nodes: '100%', reasons: ['Empty'] },
        ],
      },
      template: {
        metadata: { labels: poolLabels(pool, jurisdiction.country) },
        spec: {
          nodeClassRef: pool.nodeClassRef,
          expireAfter: pool.expireAfter,
          taints: taint === undefined ? [] : [taint],
          requirements: [
            ...isIn('karpenter.sh/capacity-type', pool.capacityTypes),
            ...isIn('kubernetes.io/arch', accelerator.cpuArchitectures),
            ...isIn('topology.kubernetes.io/region', jurisdiction.regions),
            ...isIn(ZONE_LABEL, zonesOf(pool, jurisdiction)),
            ...isIn('node.kubernetes.io/instance-type', pool.instanceTypes),
          ],
        },
      },
    },
  }
}

/** Karpenter bounds resources, not nodes. */
function limitsOf(pool: KarpenterPool, { resource }: Accelerator): Record<string, string> {
  return resource === undefined
    ? { cpu: `${pool.max * (pool.nodeCpus ?? 1)}` }
    : { [resource]: `${pool.max * pool.cards}` }
}
