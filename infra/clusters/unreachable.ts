import { KitError } from '../../catalog/errors.ts'
import type { ClusterTarget } from './target.ts'

/** A request to the API server that it refused, or that never reached it. */
export function clusterUnreachable({ context }: Pick<ClusterTarget, 'context'>, cause: unknown) {
  const { code } = cause as { code?: unknown }
  const refused = code === 401 || code === 403
  return new KitError(
    'CLUSTER_UNREACHABLE',
    {
      path: 'serantau:cluster.context',
      expected: `context ${context} to answer`,
      got: refused
        ? `HTTP ${code}`
        : ((cause as Error).message.split('\n')[0] ?? 'no answer').slice(0, 200),
      fix: refused
        ? 'renew the credentials of the context, or ask for the right to list nodes and read APIs'
        : 'check the network, the address in the kubeconfig and that its credentials have not expired',
    },
    { cause },
  )
}
