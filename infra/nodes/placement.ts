import type { Accelerator } from '../../catalog/accelerator.ts'
import { isCloudPool, type NodePool } from '../../catalog/node-pool.ts'
import type { Jurisdiction } from '../../catalog/stack-file.ts'
import { zonesOf } from '../../catalog/zone.ts'

/**
 * On every node of a pool. A kubelet cannot set a label of this prefix on itself (admission plugin
 * NodeRestriction), so a node that was taken over can't move into another jurisdiction.
 */
export const JURISDICTION_LABEL = 'serantau.node-restriction.kubernetes.io/jurisdiction'
export const POOL_LABEL = 'serantau.node-restriction.kubernetes.io/pool'
/**
 * The same of nodes that a cloud's node group makes. There a kubelet states its labels itself as it joins, and
 * EKS, GKE and AKS refuse those that a kubelet may not state. label-guard.ts keeps these from then on.
 */
export const CLOUD_JURISDICTION_LABEL = 'serantau.local/jurisdiction'
export const CLOUD_POOL_LABEL = 'serantau.local/pool'
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

/** Azure sets it on spot nodes; https://learn.microsoft.com/azure/aks/spot-node-pool */
export const AKS_SPOT_TAINT = {
  key: 'kubernetes.azure.com/scalesetpriority',
  value: 'spot',
  effect: 'NoSchedule',
} as const

/** Labels that nodes which a provisioner makes get. */
export const poolLabels = (pool: NodePool, country: string): Record<string, string> =>
  isCloudPool(pool)
    ? { [CLOUD_JURISDICTION_LABEL]: country, [CLOUD_POOL_LABEL]: pool.name }
    : { [JURISDICTION_LABEL]: country, [POOL_LABEL]: pool.name }

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
    affinity: nodeAffinity([nodeLabelsOf(pool, country)], zonesOf(pool, jurisdiction)),
    tolerations: tolerationsOf(pool, accelerator),
    runtimeClassName: runtimeClassOf(pool, accelerator),
    accelerator: acceleratorOf(pool, accelerator, cards),
  }
}

/** Of pods that need no accelerator, on nodes of the jurisdiction: those that read prompts. */
export const insideAffinity = ({ country, zones }: Jurisdiction, pools: readonly NodePool[]) =>
  nodeAffinity(
    [
      { [JURISDICTION_LABEL]: country },
      // Trusted where it is guarded alone.
      ...(pools.some(isCloudPool) ? [{ [CLOUD_JURISDICTION_LABEL]: country }] : []),
    ],
    zones,
  )

/** Nodes with all labels of one of the sets. */
function nodeAffinity(sets: readonly Readonly<Record<string, string>>[], zones: readonly string[]) {
  const ofZones = zones.length > 0 ? [{ key: ZONE_LABEL, operator: 'In', values: [...zones] }] : []
  const nodeSelectorTerms = sets.map((labels) => ({
    matchExpressions: [
      ...Object.entries(labels).map(([key, value]) => ({ key, operator: 'In', values: [value] })),
      ...ofZones,
    ],
  }))
  return {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
  }
}

/** By the key alone: clouds set different values. */
function tolerationsOf(pool: NodePool, { taint }: Accelerator): Toleration[] {
  const spot = pool.provisioner === 'aks' && pool.spot ? [AKS_SPOT_TAINT] : []
  return [...(taint === undefined ? [] : [taint]), ...spot].map(({ key, effect }) => ({
    ...{ key, operator: 'Exists', effect },
  }))
}

/** Clouds' images with a driver have NVIDIA's runtime as their default, and no RuntimeClass of it. */
function runtimeClassOf(pool: NodePool, { runtimeClassName }: Accelerator): string | undefined {
  if (pool.runtimeClass !== undefined || !isCloudPool(pool)) return pool.runtimeClass
  return pool.provisioner !== 'eks' && pool.driver === 'own' ? runtimeClassName : undefined
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
