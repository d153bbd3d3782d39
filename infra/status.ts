import { AppsV1Api, CoreV1Api, CustomObjectsApi, type KubeConfig } from '@kubernetes/client-node'
import { ACCELERATORS } from '../catalog/accelerators/index.ts'
import type { NodePool, StackFile } from '../catalog/index.ts'
import type { Cause } from './causes/cause.ts'
import { provisioningCauses, type Provisioning } from './causes/made-node-causes.ts'
import { nodeCauses } from './causes/node-causes.ts'
import { causesOf, refusedPods } from './causes/pod-causes.ts'
import { existingCluster } from './clusters/existing.ts'
import { kubeConfigOf } from './clusters/kube-config.ts'
import { clusterUnreachable } from './clusters/unreachable.ts'
import { describeCluster } from './local/cluster.ts'
import { nodeLabelsOf, resourceOf } from './nodes/placement.ts'
import { loadStackFile } from './stack-file.ts'
import type { UpArgs } from './up.ts'

export interface Status {
  cluster: string
  /** Parts of the embedded cluster. */
  parts?: Record<string, 'running' | 'dead'>
  deployments: { name: string; ready: number; wanted: number; causes: Cause[] }[]
  /** Nodes of each pool that are there, and what keeps others from being made. */
  pools: { name: string; ready: number; nodes: number; causes: Cause[] }[]
}

/** What runs of a stack, and for each pod or node that is not there the cause, since when and the fix. */
export async function status(args: UpArgs): Promise<Status> {
  const stackFile = await loadStackFile(args.project, args.stackName)
  if (stackFile.cluster.kind === 'local') {
    const local = await describeCluster(stackFile.cluster.name)
    const cluster = `local "${stackFile.cluster.name}" ${local.state}`
    if (!local.cluster || local.state === 'down') {
      return { cluster, parts: local.parts, deployments: [], pools: [] }
    }
    const { kubeconfig, context } = local.cluster
    return { cluster, parts: local.parts, ...(await look({ kubeconfig, context }, stackFile)) }
  }
  const target = existingCluster(stackFile)
  const cluster = `existing, context ${target.context}`
  return { cluster, ...(await look(target, stackFile)) }
}

type Seen = Pick<Status, 'deployments' | 'pools'>

async function look(
  target: { kubeconfig?: string | undefined; context: string },
  stack: StackFile,
): Promise<Seen> {
  const { kubeconfig, context } = target
  const config = kubeConfigOf({ ...(kubeconfig === undefined ? {} : { kubeconfig }), context })
  try {
    const deployments = await listDeployments(config, stack.namespace)
    const pools = await Promise.all(stack.nodePools.map((pool) => lookAtPool(config, pool, stack)))
    return { deployments, pools }
  } catch (error) {
    throw clusterUnreachable({ context }, error)
  }
}

async function listDeployments(
  config: KubeConfig,
  namespace: string,
): Promise<Status['deployments']> {
  const core = config.makeApiClient(CoreV1Api)
  const [deployments, pods, events] = await Promise.all([
    config.makeApiClient(AppsV1Api).listNamespacedDeployment({ namespace }),
    core.listNamespacedPod({ namespace }),
    core.listNamespacedEvent({ namespace, fieldSelector: 'involvedObject.kind=Pod' }),
  ])
  return deployments.items.map((deployment) => {
    const name = deployment.metadata?.name ?? ''
    const labels = Object.entries(deployment.spec?.selector.matchLabels ?? {})
    const own = pods.items.filter((pod) =>
      labels.every(([key, value]) => pod.metadata?.labels?.[key] === value),
    )
    return {
      name,
      ready: deployment.status?.readyReplicas ?? 0,
      wanted: deployment.spec?.replicas ?? 0,
      causes: [
        ...own.flatMap((pod) => causesOf(pod, events.items)),
        ...refusedPods(name, deployment.status?.conditions ?? []),
      ],
    }
  })
}

async function lookAtPool(
  config: KubeConfig,
  pool: NodePool,
  { jurisdiction }: StackFile,
): Promise<Status['pools'][number]> {
  const labels = Object.entries(nodeLabelsOf(pool, jurisdiction.country))
  const labelSelector = labels.map(([key, value]) => `${key}=${value}`).join(',')
  const [nodes, made] = await Promise.all([
    config.makeApiClient(CoreV1Api).listNode({ labelSelector }),
    listProvisioning(config, pool),
  ])
  const resource = pool.dra ? undefined : resourceOf(pool, ACCELERATORS[pool.accelerator])
  const ofNodes = nodes.items.map((node) => nodeCauses(node, resource))
  return {
    name: pool.name,
    ready: ofNodes.filter((causes) => causes.length === 0).length,
    nodes: nodes.items.length,
    causes: [...ofNodes.flat(), ...made.flatMap(provisioningCauses)],
  }
}

/** Objects by which Karpenter or Cluster API make the pool's nodes; none for the other kinds. */
async function listProvisioning(config: KubeConfig, pool: NodePool): Promise<Provisioning[]> {
  const client = config.makeApiClient(CustomObjectsApi)
  switch (pool.provisioner) {
    case 'karpenter': {
      const group = { group: 'karpenter.sh', version: 'v1' }
      const { name } = pool
      const [own, claims] = await Promise.all([
        client.getClusterCustomObject({ ...group, plural: 'nodepools', name }).catch(noSuch),
        client
          .listClusterCustomObject({
            ...{ ...group, plural: 'nodeclaims' },
            labelSelector: `karpenter.sh/nodepool=${name}`,
          })
          .catch(noSuch),
      ])
      return [...objectsOf(own), ...objectsOf(claims)]
    }
    case 'cluster-api': {
      const machines = await client
        .listNamespacedCustomObject({
          ...{ group: 'cluster.x-k8s.io', version: 'v1beta2', plural: 'machines' },
          ...{ namespace: pool.clusterNamespace },
          labelSelector: `serantau.node-restriction.kubernetes.io/pool=${pool.name}`,
        })
        .catch(noSuch)
      return objectsOf(machines)
    }
    case 'existing':
    case 'eks':
    case 'gke':
    case 'aks':
      return []
  }
}

function noSuch(error: unknown): undefined {
  if ((error as { code?: unknown }).code === 404) return undefined
  throw error
}

function objectsOf(answer: unknown): Provisioning[] {
  const { items } = (answer ?? {}) as { items?: Provisioning[] }
  if (items !== undefined) return items
  return answer === undefined ? [] : [answer as Provisioning]
}
