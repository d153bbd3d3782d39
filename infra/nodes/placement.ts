import type { Accelerator } from '../../catalog/accelerator.ts'
import type { NodePool } from '../../catalog/node-pool.ts'
import type { Jurisdiction } from '../../catalog/stack-file.ts'
import { zonesOf } from '../../catalog/zone.ts'

/**
 * On every node of a pool. A kubelet cannot set a label of this prefix on itself (admission plugin
 * NodeRestriction), so a node that was taken over can't move into another jurisdiction.
 */
export const JURISDICTION_LABEL = 'serantau.node-restriction.kubernetes.io/jurisdiction'
export const POOL_LABEL = 'serantau.node-restriction.kubernetes.io/pool'
export const ZONE_LABEL = 'topology.kubernetes.io/zone'

export type Toleration = Readonly<Record<'key' | 'operator' | 'effect', string>>

/** What binds a model's pods to one pool and nothing else, in the terms of the chart's values. */
export interface Placement {
  affinity: object
  tolerations: Toleration[]
  runtimeClassName: string | undefined
  /** Of a pod; undefined: it computes on the CPU. */
  accelerator:
    { resource: string; count: number } | { deviceClass: string; count: number } | undefined
}

/** Labels that nodes which a provisioner makes get. */
export const poolLabels = (pool: Pick<NodePool, 'name'>, country: string) => ({
  [JURISDICTION_LABEL]: country,
  [POOL_LABEL]: pool.name,
})

/** Labels by which the nodes of any pool are known. */
export const nodeLabelsOf = (pool: NodePool, country: string): Readonly<Record<string, string>> =>
  pool.provisioner === 'existing'
    ? { ...pool.nodeLabels, [JURISDICTION_LABEL]: country }
    : poolLabels(pool, country)

/** Required, not preferred: where no node matches, a pod waits and status says so. Pure. */
export function placementOf(
  pool: NodePool,
  accelerator: Accelerator,
  jurisdiction: Jurisdiction,
  cards: number,
): Placement {
  const { country } = jurisdiction
  return {
    affinity: nodeAffinity(nodeLabelsOf(pool, country), zonesOf(pool, jurisdiction)),
    tolerations: tolerationsOf(accelerator),
    runtimeClassName: pool.runtimeClass,
    accelerator: acceleratorOf(pool, accelerator, cards),
  }
}

/** Of pods that need no accelerator, on nodes of the jurisdiction: those that read prompts. */
export const insideAffinity = ({ country, zones }: Jurisdiction) =>
  nodeAffinity({ [JURISDICTION_LABEL]: country }, zones)

function nodeAffinity(labels: Readonly<Record<string, string>>, zones: readonly string[]) {
  const matchExpressions = [
    ...Object.entries(labels).map(([key, value]) => ({ key, operator: 'In', values: [value] })),
    ...(zones.length > 0 ? [{ key: ZONE_LABEL, operator: 'In', values: [...zones] }] : []),
  ]
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] },
    },
  }
}

/** By the key alone: clouds set different values. */
function tolerationsOf({ taint }: Accelerator): Toleration[] {
  return taint === undefined ? [] : [{ key: taint.key, operator: 'Exists', effect: taint.effect }]
}

/** Extended resource that pods of the pool ask for; undefined: the CPU. */
export function resourceOf(pool: NodePool, { slices, resource }: Accelerator): string | undefined {
  return slices.find(({ profile }) => profile === pool.slice)?.resource ?? resource
}

function acceleratorOf(
  pool: NodePool,
  accelerator: Accelerator,
  cards: number,
): Placement['accelerator'] {
  if (pool.dra && accelerator.deviceClass !== undefined) {
    return { deviceClass: accelerator.deviceClass, count: cards }
  }
  const resource = resourceOf(pool, accelerator)
  return resource === undefined ? undefined : { resource, count: cards }
}
