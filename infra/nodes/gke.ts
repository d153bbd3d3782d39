import type * as pulumi from '@pulumi/pulumi'
import type { Accelerator } from '../../catalog/accelerator.ts'
import { KitError } from '../../catalog/errors.ts'
import type { GkePool } from '../../catalog/node-pool.ts'
import type { Jurisdiction } from '../../catalog/stack-file.ts'
import { isInside, isOfCloudRegion, zonesOfCloud } from '../../catalog/zone.ts'
import { renderOnly } from '../clusters/local.ts'
import { cloudAnswer } from './cloud-answer.ts'
import { cloudLabels } from './cloud-labels.ts'
import { optionalFile, type ResourceClass } from './optional-package.ts'
import type { Provisioner } from './provisioner.ts'

interface ProviderFile {
  Provider: ResourceClass<{ project: string; region: string }, pulumi.ProviderResource>
}
interface NodePoolFile {
  NodePool: ResourceClass<ReturnType<typeof gkeNodePool>>
}
interface ClusterFile {
  getCluster: (
    args: { name: string; location: string; project: string },
    opts: pulumi.InvokeOptions,
  ) => Promise<GkeCluster>
}

/** Of the cluster that is there, as far as it is read. */
export interface GkeCluster {
  /** Zones that its nodes lie in unless a pool says otherwise; null or empty: there is no such cluster. */
  nodeLocations?: readonly string[] | null
  /** Empty: pods get no identity of Google's. */
  workloadIdentityConfigs?: readonly unknown[] | null
}

const locationOf = (pool: GkePool) => pool.location ?? pool.region

/** A node pool of Google GKE. Throws KitError PACKAGE_MISSING, CLOUD_UNREACHABLE, PLACE_MISMATCH. */
export const gke: Provisioner<'gke'> = async ({ pool, accelerator, jurisdiction }, opts) => {
  const path = `serantau:nodePools "${pool.name}"`
  const load = <File>(file: string) => optionalFile<File>(path, '@pulumi/gcp', file)
  const { Provider } = await load<ProviderFile>('provider.js')
  const { NodePool } = await load<NodePoolFile>('container/nodePool.js')
  const { getCluster } = await load<ClusterFile>('container/getCluster.js')

  // A provider of its own: no project or region of the environment can move the nodes.
  const { project, region } = pool
  const provider = new Provider(`${pool.name}-gcp`, { project, region }, opts)
  const question = {
    path: `${path}.cluster`,
    expected: `Google to describe cluster ${pool.cluster} in ${locationOf(pool)}, project ${project}`,
    logIn: '`gcloud auth application-default login`, or GOOGLE_APPLICATION_CREDENTIALS',
  }
  const cluster = renderOnly()
    ? {}
    : await cloudAnswer(question, async () =>
        known(
          await getCluster(
            { name: pool.cluster, location: locationOf(pool), project },
            { provider },
          ),
        ),
      )
  const args = gkeNodePool(pool, accelerator, jurisdiction, cluster)
  return () => {
    new NodePool(pool.name, args, {
      ...opts,
      provider,
      // The autoscaler owns both.
      ignoreChanges: ['initialNodeCount', 'nodeCount'],
      // Its name is taken until it is gone, and there are seldom cards for both.
      deleteBeforeReplace: true,
    })
  }
}

/** The question about a cluster that does not exist gets an answer without content. */
function known(cluster: GkeCluster): GkeCluster {
  if ((cluster.nodeLocations ?? []).length > 0) return cluster
  throw new Error('no such cluster')
}

/** Arguments of `gcp.container.NodePool`. Pure. Throws KitError PLACE_MISMATCH where the cluster's own zones lie outside. */
export function gkeNodePool(
  pool: GkePool,
  accelerator: Accelerator,
  jurisdiction: Jurisdiction,
  cluster: GkeCluster,
) {
  const nodeLocations = zonesFor(pool, jurisdiction, cluster)
  return {
    project: pool.project,
    cluster: pool.cluster,
    location: locationOf(pool),
    name: pool.name,
    ...(nodeLocations.length > 0 ? { nodeLocations } : {}),
    initialNodeCount: nodesOfEachZone(pool, nodeLocations.length),
    autoscaling: {
      totalMinNodeCount: pool.min,
      totalMaxNodeCount: pool.max,
      locationPolicy: 'BALANCED',
    },
    management: { autoRepair: true, autoUpgrade: true },
    // One node after the other, without a spare one beside it.
    upgradeSettings: { strategy: 'SURGE', maxSurge: 0, maxUnavailable: 1 },
    nodeConfig: nodeConfig(pool, accelerator, jurisdiction, cluster),
  }
}

/** Stated, or else the cluster's own, so that a zone which it gets later does not move the pool. */
function zonesFor(pool: GkePool, jurisdiction: Jurisdiction, cluster: GkeCluster): string[] {
  const stated = zonesOfCloud(pool, jurisdiction)
  if (stated.length > 0) return stated
  const own = [...(cluster.nodeLocations ?? [])].sort()
  const outside = own.find((zone) => !isOfCloudRegion(zone, pool) || !isInside(zone, jurisdiction))
  if (outside === undefined) return own
  throw new KitError('PLACE_MISMATCH', {
    path: `serantau:nodePools "${pool.name}".zones`,
    expected: `zones inside ${jurisdiction.country}: the pool names none, so it would get its cluster's`,
    got: `cluster ${pool.cluster}, which has ${outside}`,
    fix: 'set zones, or choose a cluster inside the jurisdiction',
  })
}

/** Google counts in each zone: enough for the least, and never more than the most. */
const nodesOfEachZone = ({ min, max }: GkePool, zones: number): number =>
  Math.min(Math.ceil(min / Math.max(1, zones)), Math.floor(max / Math.max(1, zones)))

function nodeConfig(
  pool: GkePool,
  accelerator: Accelerator,
  jurisdiction: Jurisdiction,
  { workloadIdentityConfigs }: GkeCluster,
) {
  const { taint } = accelerator
  const own = pool.driver === 'own'
  const identity = (workloadIdentityConfigs ?? []).length > 0
  return {
    machineType: pool.instanceType,
    diskSizeGb: pool.diskGiB,
    // NVIDIA's driver containers are made for Ubuntu.
    imageType: own ? 'UBUNTU_CONTAINERD' : 'COS_CONTAINERD',
    spot: pool.spot,
    labels: cloudLabels(pool, accelerator, jurisdiction),
    taints: taint === undefined ? [] : [{ ...taint, effect: 'NO_SCHEDULE' }],
    guestAccelerators: guestAccelerators(pool),
    // A driver that is built on the node is signed by nobody whom secure boot knows.
    shieldedInstanceConfig: { enableIntegrityMonitoring: true, enableSecureBoot: !own },
    // Pods get the cluster's identity for them, and never the node's own.
    ...(identity ? { workloadMetadataConfig: { mode: 'GKE_METADATA' } } : {}),
    ...(pool.serviceAccount === undefined
      ? {}
      : {
          serviceAccount: pool.serviceAccount,
          // What it may do is said by its roles.
          oauthScopes: ['https://www.googleapis.com/auth/cloud-platform'],
        }),
  }
}

function guestAccelerators({ acceleratorType, cards, driver }: GkePool) {
  if (acceleratorType === undefined) return []
  const gpuDriverVersion = driver === 'own' ? 'INSTALLATION_DISABLED' : 'DEFAULT'
  return [
    { type: acceleratorType, count: cards, gpuDriverInstallationConfig: { gpuDriverVersion } },
  ]
}
