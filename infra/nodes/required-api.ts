import { CustomObjectsApi } from '@kubernetes/client-node'
import { KitError } from '../../catalog/errors.ts'
import { kubeConfigOf } from '../clusters/kube-config.ts'
import { renderOnly } from '../clusters/local.ts'
import type { ClusterTarget } from '../clusters/target.ts'
import { clusterUnreachable } from '../clusters/unreachable.ts'

export interface RequiredApi {
  group: string
  version: string
  /** Plural names of the resources that are made. */
  resources: readonly string[]
  /** What installs it, for the message. */
  from: string
}

/**
 * The cluster serves the API that a pool's objects are of: otherwise the program stops before its first
 * resource, where the provider would stop in the midst of them. Nothing is asked while `preview` contacts
 * no cluster. Throws KitError API_MISSING, CLUSTER_UNREACHABLE.
 */
export async function requireApi(path: string, api: RequiredApi, target: ClusterTarget) {
  if (renderOnly()) return
  const served = await servedResources(api, target)
  const missing = api.resources.filter((resource) => !served?.includes(resource))
  if (missing.length === 0) return
  throw new KitError('API_MISSING', {
    path,
    expected: `${missing.join(', ')} of ${api.group}/${api.version} in the cluster`,
    got: served === undefined ? 'no such API version' : served.join(', ') || 'none',
    fix: `install ${api.from} (its CRDs in version ${api.version}) in context ${target.context}`,
  })
}

/** Undefined: the cluster does not serve this version of the group. */
async function servedResources(
  { group, version }: RequiredApi,
  target: ClusterTarget,
): Promise<string[] | undefined> {
  const client = kubeConfigOf(target).makeApiClient(CustomObjectsApi)
  try {
    const list = await client.getAPIResources({ group, version })
    return list.resources.map(({ name }) => name).filter((name) => !name.includes('/'))
  } catch (error) {
    if ((error as { code?: unknown }).code === 404) return undefined
    throw clusterUnreachable(target, error)
  }
}
