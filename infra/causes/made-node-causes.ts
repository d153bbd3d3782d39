import { causeOf, classify, type Cause, type CauseKind } from './cause.ts'
import { PROVIDER_WORDS } from './provider-words.ts'

/** Part of a NodePool, NodeClaim (karpenter.sh/v1), MachineDeployment or Machine (cluster.x-k8s.io/v1beta2). */
export interface Provisioning {
  kind: string
  metadata: { name: string; creationTimestamp?: string }
  status?: {
    conditions?: readonly {
      type: string
      status: string
      reason?: string
      message?: string
      lastTransitionTime?: string
    }[]
  }
}

/** Conditions that say that a node is on its way, in the order in which they become true. */
const STEPS: Readonly<Record<string, readonly string[]>> = {
  NodePool: ['NodeClassReady', 'ValidationSucceeded', 'Ready'],
  NodeClaim: ['Launched', 'Registered', 'Initialized'],
  MachineDeployment: ['MachinesReady', 'Available'],
  Machine: ['BootstrapConfigReady', 'InfrastructureReady', 'NodeReady', 'NodeHealthy'],
}

const OF_STEP: Readonly<Record<string, CauseKind>> = {
  NodeClassReady: 'node class',
  Initialized: 'driver',
  NodeHealthy: 'node not ready',
}

/** The first step that an object which makes nodes hangs at; none: it is done. Pure. */
export function provisioningCauses({ kind, metadata, status }: Provisioning): Cause[] {
  const conditions = status?.conditions ?? []
  const stuck = (STEPS[kind] ?? [])
    .map((step) => conditions.find(({ type }) => type === step))
    .find((condition) => condition !== undefined && condition.status !== 'True')
  if (stuck === undefined) return []
  const { type, reason = '', message = '', lastTransitionTime } = stuck
  const said = `${type} ${stuck.status}${reason === '' ? '' : ` (${reason})`}: ${message}`
  const cause =
    classify(`${reason} ${message}`, PROVIDER_WORDS) ??
    (stuck.status === 'False' || type === 'Initialized' ? OF_STEP[type] : undefined) ??
    (stuck.status === 'False' ? 'unknown' : 'waiting')
  const since = lastTransitionTime ?? metadata.creationTimestamp
  return [causeOf(`${kind} ${metadata.name}`, cause, said, since)]
}
