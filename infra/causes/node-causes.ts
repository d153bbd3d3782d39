import type { V1Node } from '@kubernetes/client-node'
import { causeOf, type Cause } from './cause.ts'

/** Why a node of a pool takes no pod; `resource` is what its accelerator is announced as. Pure. */
export function nodeCauses(node: V1Node, resource: string | undefined): Cause[] {
  const name = node.metadata?.name ?? 'node'
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
  if (ready !== undefined && ready.status !== 'True') {
    const said = ready.message ?? ready.reason ?? ready.status
    return [causeOf(name, 'node not ready', said, ready.lastTransitionTime)]
  }
  const created = node.metadata?.creationTimestamp
  if (resource !== undefined && Number(node.status?.allocatable?.[resource] ?? 0) === 0) {
    return [causeOf(name, 'driver', `allocatable has no ${resource}`, created)]
  }
  if (node.spec?.unschedulable !== true) return []
  const taint = node.spec.taints?.find(({ key }) => key === 'node.kubernetes.io/unschedulable')
  return [causeOf(name, 'cordoned', 'unschedulable', taint?.timeAdded)]
}
