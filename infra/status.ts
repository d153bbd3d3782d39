import { AppsV1Api, CoreV1Api } from '@kubernetes/client-node'
import { existingCluster } from './clusters/existing.ts'
import { kubeConfigOf } from './clusters/kube-config.ts'
import { describeCluster } from './local/cluster.ts'
import { causesOf } from './pod-causes.ts'
import { loadStackFile } from './stack-file.ts'
import type { UpArgs } from './up.ts'

export interface Status {
  cluster: string
  /** Parts of the embedded cluster. */
  parts?: Record<string, 'running' | 'dead'>
  deployments: { name: string; ready: number; wanted: number; causes: string[] }[]
}

/** What runs of a stack, and for each pod that is not ready the cause in the cluster's own words. */
export async function status(args: UpArgs): Promise<Status> {
  const stackFile = await loadStackFile(args.project, args.stackName)
  if (stackFile.cluster.kind === 'local') {
    const local = await describeCluster(stackFile.cluster.name)
    const described = `local "${stackFile.cluster.name}" ${local.state}`
    if (!local.cluster || local.state === 'down') {
      return { cluster: described, parts: local.parts, deployments: [] }
    }
    const { kubeconfig, context } = local.cluster
    const deployments = await listDeployments(kubeconfig, context, stackFile.namespace)
    return { cluster: described, parts: local.parts, deployments }
  }
  const { kubeconfig, context } = existingCluster(stackFile)
  return {
    cluster: `existing, context ${context}`,
    deployments: await listDeployments(kubeconfig, context, stackFile.namespace),
  }
}

async function listDeployments(
  kubeconfig: string | undefined,
  context: string,
  namespace: string,
): Promise<Status['deployments']> {
  const config = kubeConfigOf({ ...(kubeconfig === undefined ? {} : { kubeconfig }), context })
  const [deployments, pods] = await Promise.all([
    config.makeApiClient(AppsV1Api).listNamespacedDeployment({ namespace }),
    config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace }),
  ])
  return deployments.items.map((deployment) => {
    const labels = Object.entries(deployment.spec?.selector.matchLabels ?? {})
    const own = pods.items.filter((pod) =>
      labels.every(([key, value]) => pod.metadata?.labels?.[key] === value),
    )
    return {
      name: deployment.metadata?.name ?? '',
      ready: deployment.status?.readyReplicas ?? 0,
      wanted: deployment.spec?.replicas ?? 0,
      causes: own.flatMap(causesOf),
    }
  })
}
