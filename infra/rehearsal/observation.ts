import { z } from 'zod'
import { ZONE_LABEL } from '../nodes/placement.ts'
import { SIMULATED } from './fleet.ts'
import type { Kubectl } from './kubectl.ts'

export interface SeenNode {
  name: string
  zone: string
  instanceType: string
  /** Money an hour, as the simulated cloud sold it. */
  price: number
  ready: boolean
}

export interface SeenPod {
  name: string
  /** undefined: it waits for one. */
  node: string | undefined
  ready: boolean
}

/** Simulated nodes and the pods of one workload, at one moment. Pods that are going count no more. */
export interface Observation {
  nodes: readonly SeenNode[]
  pods: readonly SeenPod[]
}

/** The Deployment whose pods a rehearsal watches. */
export interface Workload {
  namespace: string
  deployment: string
  /** As `kubectl --selector` takes it. */
  selector: string
}

const ConditionsSchema = z.array(z.object({ type: z.string(), status: z.string() })).default([])
const StatusSchema = z.object({ conditions: ConditionsSchema }).default({ conditions: [] })
const NodeSchema = z.object({
  metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()) }),
  status: StatusSchema,
})
const PodSchema = z.object({
  metadata: z.object({ name: z.string(), deletionTimestamp: z.string().optional() }),
  spec: z.object({ nodeName: z.string().optional() }),
  status: StatusSchema,
})

/** Where the simulated cloud writes what a node costs. */
const PRICE_LABEL = 'eks-node-viewer/instance-price'
const TYPE_LABEL = 'node.kubernetes.io/instance-type'

const isReady = ({ conditions }: z.infer<typeof StatusSchema>): boolean =>
  conditions.some(({ type, status }) => type === 'Ready' && status === 'True')

export async function observe(kubectl: Kubectl, workload: Workload): Promise<Observation> {
  const [nodes, pods] = await Promise.all([
    kubectl.list('nodes', '-l', `${SIMULATED.key}=${SIMULATED.value}`),
    kubectl.list('pods', '-n', workload.namespace, '-l', workload.selector),
  ])
  return {
    nodes: z.array(NodeSchema).parse(nodes).map(seenNode),
    pods: z
      .array(PodSchema)
      .parse(pods)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata, spec, status }) => ({
        name: metadata.name,
        node: spec.nodeName,
        ready: isReady(status),
      })),
  }
}

const seenNode = ({
  metadata: { name, labels },
  status,
}: z.infer<typeof NodeSchema>): SeenNode => ({
  name,
  zone: labels[ZONE_LABEL] ?? '',
  instanceType: labels[TYPE_LABEL] ?? '',
  price: Number(labels[PRICE_LABEL] ?? 0),
  ready: isReady(status),
})

/** Zones of the nodes that the ready pods are on, sorted; a pod on no simulated node has the zone `?`. */
export function zonesInUse({ nodes, pods }: Observation): string[] {
  const zoneOf = new Map(nodes.map(({ name, zone }) => [name, zone]))
  const used = pods.filter(({ ready }) => ready).map(({ node }) => zoneOf.get(node ?? '') ?? '?')
  return [...new Set(used)].sort()
}
