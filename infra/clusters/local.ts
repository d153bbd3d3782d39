import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KitError } from '../../catalog/index.ts'
import { describeCluster, type LocalCluster } from '../local/cluster.ts'
import { stateFolder } from '../local/paths.ts'
import type { ClusterTarget } from './target.ts'

/** Set by `preview` when the embedded cluster is down: render everything, contact nothing. */
export const renderOnly = (): boolean => process.env['SERANTAU_RENDER_ONLY'] === '1'

/** Where `up` notes the image that it imported into the cluster. */
export const imageNote = (name: string): string =>
  join(stateFolder(), 'clusters', name, 'image.txt')

const UNKNOWN_IMAGE = `serantau.local/server@sha256:${'0'.repeat(64)}`

/** The embedded cluster, which `npm run up` starts before the program runs. */
export async function localCluster(name: string): Promise<ClusterTarget> {
  const { cluster, state } = await describeCluster(name)
  const image = (await readFile(imageNote(name), 'utf8').catch(() => '')).trim()
  if (cluster && image !== '' && (renderOnly() || state !== 'down')) return targetOf(cluster, image)
  if (renderOnly()) return neverStarted(name)
  throw new KitError('CLUSTER_DOWN', {
    path: 'serantau:cluster',
    expected: `the embedded cluster "${name}" to run`,
    got: 'it is down',
    fix: 'run `npm run up`, which starts it and then deploys',
  })
}

const targetOf = (cluster: LocalCluster, image: string): ClusterTarget => ({
  kubeconfig: cluster.kubeconfig,
  context: cluster.context,
  identifier: cluster.context,
  image,
  gatewayServiceIp: cluster.gatewayServiceIp,
  hostCidr: `${cluster.hostAddress}/32`,
  apiServerCidr: `${cluster.nodeAddress}/32`,
  weightsFolder: cluster.nodeWeightsFolder,
})

/** What `preview` renders before the first `up`: its addresses and image are not known yet. */
const neverStarted = (name: string): ClusterTarget => ({
  kubeconfig: '/dev/null',
  context: name,
  identifier: `serantau-${name}`,
  image: UNKNOWN_IMAGE,
  weightsFolder: '/weights',
})
