import { CoreV1Api, type V1Node } from '@kubernetes/client-node'
import type { Accelerator } from '../../catalog/accelerator.ts'
import { KitError, type Problem } from '../../catalog/errors.ts'
import type { ExistingPool } from '../../catalog/node-pool.ts'
import type { Jurisdiction } from '../../catalog/stack-file.ts'
import { isInside } from '../../catalog/zone.ts'
import { kubeConfigOf } from '../clusters/kube-config.ts'
import { renderOnly } from '../clusters/local.ts'
import { clusterUnreachable } from '../clusters/unreachable.ts'
import { JURISDICTION_LABEL, resourceOf, ZONE_LABEL } from './placement.ts'
import type { Provisioner } from './provisioner.ts'

const NOTHING = () => {}

/** Nodes that are there: they are looked at, and nothing is changed. Throws KitError NODES_UNSUITABLE. */
export const existing: Provisioner<'existing'> = async ({
  pool,
  accelerator,
  jurisdiction,
  target,
}) => {
  if (renderOnly()) return NOTHING
  const selector = Object.entries(pool.nodeLabels).map(([key, value]) => `${key}=${value}`)
  const client = kubeConfigOf(target).makeApiClient(CoreV1Api)
  const { items } = await client
    .listNode(selector.length > 0 ? { labelSelector: selector.join(',') } : {})
    .catch((error: unknown) => {
      throw clusterUnreachable(target, error)
    })
  const problem = nodesProblem(pool, accelerator, jurisdiction, items)
  if (problem) throw new KitError('NODES_UNSUITABLE', problem)
  return NOTHING
}

/** Why no node of those with the pool's labels can serve; undefined: at least one can. Pure. */
export function nodesProblem(
  pool: ExistingPool,
  accelerator: Accelerator,
  jurisdiction: Jurisdiction,
  nodes: readonly V1Node[],
): Problem | undefined {
  const path = `serantau:nodePools "${pool.name}"`
  if (nodes.length === 0) {
    return {
      path: `${path}.nodeLabels`,
      expected: 'at least one node with these labels',
      got: `${JSON.stringify(pool.nodeLabels)}: no node`,
      fix: 'correct the labels (see `kubectl get nodes --show-labels`), or label the nodes',
    }
  }
  const faults = nodes.map((node) => ({
    name: node.metadata?.name ?? 'a node',
    fault: faultOf(node, pool, accelerator, jurisdiction),
  }))
  if (faults.some(({ fault }) => fault === undefined)) return undefined
  const told = faults.slice(0, 3).map(({ name, fault }) => `${name} ${fault?.is}`)
  const more = faults.length > told.length ? `, and ${faults.length - told.length} more` : ''
  return {
    path,
    expected: `a node of ${jurisdiction.country} with ${accelerator.resource ?? 'free CPUs'}`,
    got: told.join('; ') + more,
    fix: faults[0]?.fault?.fix ?? 'see `kubectl describe node`',
  }
}

function faultOf(
  { metadata, spec, status }: V1Node,
  pool: ExistingPool,
  accelerator: Accelerator,
  jurisdiction: Jurisdiction,
): { is: string; fix: string } | undefined {
  const country = metadata?.labels?.[JURISDICTION_LABEL]
  if (country !== jurisdiction.country) {
    return {
      is: country === undefined ? 'says no jurisdiction' : `is labelled ${country}`,
      fix: `if the machine stands inside ${jurisdiction.country}: kubectl label node ${metadata?.name} ${JURISDICTION_LABEL}=${jurisdiction.country}`,
    }
  }
  const zone = metadata?.labels?.[ZONE_LABEL]
  if (zone !== undefined && pool.zones.length > 0 && !pool.zones.includes(zone)) {
    return { is: `lies in zone ${zone}`, fix: `add the zone to the pool, or remove its zones` }
  }
  const known = jurisdiction.zones.length > 0 || jurisdiction.regions.length > 0
  if (zone !== undefined && known && !isInside(zone, jurisdiction)) {
    return {
      is: `lies in zone ${zone}, outside the jurisdiction`,
      fix: `remove its label ${JURISDICTION_LABEL}, or add the zone to jurisdiction.zones if it lies inside ${jurisdiction.country}`,
    }
  }
  if (spec?.unschedulable === true) {
    return { is: 'is cordoned', fix: `kubectl uncordon ${metadata?.name}` }
  }
  const resource = resourceOf(pool, accelerator)
  const allocatable = resource === undefined ? 1 : Number(status?.allocatable?.[resource] ?? 0)
  if (allocatable > 0 || pool.dra) return undefined
  return {
    is: `has no ${resource}`,
    fix: `install the driver and device plugin of ${accelerator.name} on it, or look at their pods' logs`,
  }
}
