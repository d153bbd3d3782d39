import type * as pulumi from '@pulumi/pulumi'
import type { Accelerator } from '../../catalog/accelerator.ts'
import { migProfileOf } from '../../catalog/cloud-names.ts'
import { KitError } from '../../catalog/errors.ts'
import type { AksPool } from '../../catalog/node-pool.ts'
import type { Jurisdiction } from '../../catalog/stack-file.ts'
import { zonesOfCloud } from '../../catalog/zone.ts'
import { renderOnly } from '../clusters/local.ts'
import { cloudAnswer } from './cloud-answer.ts'
import { cloudLabels } from './cloud-labels.ts'
import { optionalFile, type ResourceClass } from './optional-package.ts'
import { AKS_SPOT_TAINT } from './placement.ts'
import type { Provisioner } from './provisioner.ts'

interface ProviderFile {
  Provider: ResourceClass<{ location: string; subscriptionId?: string }, pulumi.ProviderResource>
}
interface AgentPoolFile {
  AgentPool: ResourceClass<ReturnType<typeof aksAgentPool>>
}
interface ClusterFile {
  getManagedCluster: (
    args: { resourceGroupName: string; resourceName: string },
    opts: pulumi.InvokeOptions,
  ) => Promise<{ location: string }>
}

/** An agent pool of Azure AKS. Throws KitError PACKAGE_MISSING, CLOUD_UNREACHABLE, PLACE_MISMATCH. */
export const aks: Provisioner<'aks'> = async ({ pool, accelerator, jurisdiction }, opts) => {
  const path = `serantau:nodePools "${pool.name}"`
  const load = <File>(file: string) => optionalFile<File>(path, '@pulumi/azure-native', file)
  const { Provider } = await load<ProviderFile>('provider.js')
  const { AgentPool } = await load<AgentPoolFile>('containerservice/agentPool.js')
  const { getManagedCluster } = await load<ClusterFile>('containerservice/getManagedCluster.js')

  const { region: location, subscription } = pool
  const args = { location, ...(subscription === undefined ? {} : { subscriptionId: subscription }) }
  const provider = new Provider(`${pool.name}-azure`, args, opts)
  if (!renderOnly()) {
    await checkRegion(`${path}.region`, pool, () =>
      getManagedCluster(
        { resourceGroupName: pool.resourceGroup, resourceName: pool.cluster },
        { provider },
      ),
    )
  }
  const group = aksAgentPool(pool, accelerator, jurisdiction)
  return () => {
    new AgentPool(pool.name, group, {
      ...opts,
      provider,
      // The autoscaler owns it.
      ignoreChanges: ['count'],
      // Its name is taken until it is gone, and there are seldom cards for both.
      deleteBeforeReplace: true,
    })
  }
}

/** An agent pool has no region of its own: it lies where its cluster does. */
async function checkRegion(
  path: string,
  { cluster, resourceGroup, region }: AksPool,
  ask: () => Promise<{ location: string }>,
): Promise<void> {
  const question = {
    path,
    expected: `Azure to describe cluster ${cluster} in resource group ${resourceGroup}`,
    logIn: '`az login`, or ARM_CLIENT_ID and its fellows',
  }
  const { location } = await cloudAnswer(question, ask)
  if (location.replaceAll(' ', '').toLowerCase() === region) return
  throw new KitError('PLACE_MISMATCH', {
    path,
    expected: `${region}, as the stack file has it`,
    got: `cluster ${cluster}, which lies in ${location}`,
    fix: 'choose a cluster of this region: its nodes lie where it does',
  })
}

/** Arguments of `azure_native.containerservice.AgentPool`. Pure. */
export function aksAgentPool(pool: AksPool, accelerator: Accelerator, jurisdiction: Jurisdiction) {
  const zones = zonesOfCloud(pool, jurisdiction)
  return {
    resourceGroupName: pool.resourceGroup,
    resourceName: pool.cluster,
    agentPoolName: pool.name,
    mode: 'User',
    type: 'VirtualMachineScaleSets',
    osType: 'Linux',
    vmSize: pool.instanceType,
    osDiskSizeGB: pool.diskGiB,
    // Azure knows zones by their number within the region.
    ...(zones.length > 0 ? { availabilityZones: zones.map((zone) => zone.slice(-1)) } : {}),
    enableAutoScaling: true,
    minCount: pool.min,
    maxCount: pool.max,
    count: pool.min,
    // One node after the other, without a spare one beside it.
    upgradeSettings: { maxSurge: '0', maxUnavailable: '1' },
    nodeLabels: cloudLabels(pool, accelerator, jurisdiction),
    nodeTaints: taintsOf(pool, accelerator),
    ...gpuSettings(pool, accelerator),
    ...(pool.spot
      ? { scaleSetPriority: 'Spot', scaleSetEvictionPolicy: 'Delete', spotMaxPrice: -1 }
      : {}),
  }
}

function taintsOf({ spot }: AksPool, { taint }: Accelerator): string[] {
  // Azure adds the second one by itself: stated, so that no refresh finds a difference.
  const taints = [...(taint === undefined ? [] : [taint]), ...(spot ? [AKS_SPOT_TAINT] : [])]
  return taints.map(({ key, value, effect }) => `${key}=${value}:${effect}`)
}

/** Azure installs NVIDIA's driver on its cards, unless told not to. */
function gpuSettings(pool: AksPool, { maker }: Accelerator) {
  if (maker !== 'NVIDIA') return {}
  if (pool.driver === 'own') return { gpuProfile: { driver: 'None' } }
  const gpuInstanceProfile = migProfileOf(pool)
  return {
    gpuProfile: { driver: 'Install' },
    ...(gpuInstanceProfile === undefined ? {} : { gpuInstanceProfile }),
  }
}
