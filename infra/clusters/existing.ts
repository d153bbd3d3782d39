import { existsSync } from 'node:fs'
import { KubeConfig } from '@kubernetes/client-node'
import { formatPath, KitError, type StackFile } from '../../catalog/index.ts'
import type { ClusterTarget } from './target.ts'

/** A cluster that is there. Only the context that the stack file names is ever used. */
export function existingCluster(stack: StackFile): ClusterTarget {
  if (stack.cluster.kind !== 'existing' || !stack.image) {
    throw new TypeError('existingCluster() needs a resolved stack file of kind existing')
  }
  const { context, kubeconfig } = stack.cluster
  const contexts = contextsOf(kubeconfig)
  if (!contexts.includes(context)) {
    throw new KitError('CONTEXT_UNKNOWN', {
      path: formatPath(['cluster', 'context']),
      expected:
        contexts.length > 0 ? `one of ${contexts.join(', ')}` : 'a context of the kubeconfig',
      got: JSON.stringify(context),
      fix: 'name a context that `kubectl config get-contexts` lists, or set cluster.kubeconfig',
    })
  }
  return { kubeconfig, context, image: stack.image }
}

function contextsOf(path: string | undefined): string[] {
  const config = new KubeConfig()
  if (path !== undefined) {
    if (!existsSync(path)) {
      throw new KitError('CONTEXT_UNKNOWN', {
        path: formatPath(['cluster', 'kubeconfig']),
        expected: 'a kubeconfig file',
        got: `no file ${path}`,
        fix: 'correct the path, or remove the key to use KUBECONFIG or ~/.kube/config',
      })
    }
    config.loadFromFile(path)
  } else {
    config.loadFromDefault()
  }
  return config.getContexts().map((context) => context.name)
}
