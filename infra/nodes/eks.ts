import type * as pulumi from '@pulumi/pulumi'
import type { Accelerator } from '../../catalog/accelerator.ts'
import { amiTypeOf } from '../../catalog/cloud-names.ts'
import { KitError } from '../../catalog/errors.ts'
import type { EksPool } from '../../catalog/node-pool.ts'
import type { Jurisdiction } from '../../catalog/stack-file.ts'
import { renderOnly } from '../clusters/local.ts'
import { cloudAnswer } from './cloud-answer.ts'
import { cloudLabels } from './cloud-labels.ts'
import { optionalFile, type ResourceClass } from './optional-package.ts'
import type { Provisioner } from './provisioner.ts'

interface ProviderFile {
  Provider: ResourceClass<
    { region: string; skipCredentialsValidation: boolean },
    pulumi.ProviderResource
  >
}
interface NodeGroupFile {
  NodeGroup: ResourceClass<ReturnType<typeof eksNodeGroup>>
}
interface SubnetFile {
  getSubnet: (
    args: { id: string },
    opts: pulumi.InvokeOptions,
  ) => Promise<{ availabilityZone: string }>
}

/** A managed node group of Amazon EKS. Throws KitError PACKAGE_MISSING, CLOUD_UNREACHABLE, PLACE_MISMATCH. */
export const eks: Provisioner<'eks'> = async ({ pool, accelerator, jurisdiction }, opts) => {
  const path = `serantau:nodePools "${pool.name}"`
  const load = <File>(file: string) => optionalFile<File>(path, '@pulumi/aws', file)
  const { Provider } = await load<ProviderFile>('provider.js')
  const { NodeGroup } = await load<NodeGroupFile>('eks/nodeGroup.js')
  const { getSubnet } = await load<SubnetFile>('ec2/getSubnet.js')

  // A provider of its own: no region of the environment or of another stack can move the nodes.
  // Credentials are met by the question below, which says whose they are and how they are renewed.
  const args = { region: pool.region, skipCredentialsValidation: true }
  const provider = new Provider(`${pool.name}-aws`, args, opts)
  if (!renderOnly()) {
    for (const [zone, id] of Object.entries(pool.subnets)) {
      await checkSubnet(`${path}.subnets.${zone}`, zone, id, pool.region, () =>
        getSubnet({ id }, { provider }),
      )
    }
  }
  const group = eksNodeGroup(pool, accelerator, jurisdiction)
  return () => {
    new NodeGroup(pool.name, group, {
      ...opts,
      provider,
      // The autoscaler owns it.
      ignoreChanges: ['scalingConfig.desiredSize'],
      // Its name is taken until it is gone, and there are seldom cards for both.
      deleteBeforeReplace: true,
    })
  }
}

async function checkSubnet(
  path: string,
  zone: string,
  id: string,
  region: string,
  ask: () => Promise<{ availabilityZone: string }>,
): Promise<void> {
  const question = {
    path,
    expected: `Amazon to describe ${id} in ${region}`,
    logIn: '`aws sso login`, AWS_PROFILE, or the role of this machine',
  }
  const { availabilityZone } = await cloudAnswer(question, ask)
  if (availabilityZone === zone) return
  throw new KitError('PLACE_MISMATCH', {
    path,
    expected: `a subnet in ${zone}`,
    got: `${id}, which lies in ${availabilityZone}`,
    fix: `name a subnet of ${zone}, or write this one under its own zone if that lies inside the jurisdiction`,
  })
}

/** Arguments of `aws.eks.NodeGroup`. Pure. The subnets say where: each was checked to lie in its zone. */
export function eksNodeGroup(pool: EksPool, accelerator: Accelerator, jurisdiction: Jurisdiction) {
  const { min, max } = pool
  const { taint } = accelerator
  return {
    clusterName: pool.cluster,
    nodeGroupName: pool.name,
    nodeRoleArn: pool.nodeRoleArn,
    subnetIds: Object.values(pool.subnets),
    instanceTypes: [pool.instanceType],
    amiType: amiTypeOf(pool),
    capacityType: pool.capacityType === 'spot' ? 'SPOT' : 'ON_DEMAND',
    diskSize: pool.diskGiB,
    scalingConfig: { minSize: min, maxSize: max, desiredSize: min },
    // One node after the other, without a spare one beside it.
    updateConfig: { maxUnavailable: 1, updateStrategy: 'MINIMAL' },
    nodeRepairConfig: { enabled: true },
    labels: cloudLabels(pool, accelerator, jurisdiction),
    taints: taint === undefined ? [] : [{ ...taint, effect: 'NO_SCHEDULE' }],
  }
}
