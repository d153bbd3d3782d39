import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ACCELERATORS } from '../../../catalog/accelerators/index.ts'
import { EksPoolSchema, type EksPool } from '../../../catalog/node-pool.ts'
import { JurisdictionSchema } from '../../../catalog/stack-file.ts'
import { eks, eksNodeGroup } from '../../../infra/nodes/eks.ts'
import { mockClouds, optionsOf, refusal, settled } from '../../helpers/cloud-packages.ts'
import { poolsInside } from '../../helpers/cloud-pools.ts'

const fakes = async () => (await import('../../helpers/cloud-packages.ts')).AWS
vi.mock('@pulumi/aws/provider.js', async () => (await fakes()).provider)
vi.mock('@pulumi/aws/eks/nodeGroup.js', async () => (await fakes()).nodeGroup)
vi.mock('@pulumi/aws/ec2/getSubnet.js', async () => (await fakes()).getSubnet)

const jurisdiction = JurisdictionSchema.parse({ country: 'MY', regions: ['ap-southeast-5'] })
const pool: EksPool = EksPoolSchema.parse({
  name: 'cards',
  provisioner: 'eks',
  accelerator: 'nvidia-l40s',
  cards: 4,
  cluster: 'gov',
  region: 'ap-southeast-5',
  instanceType: 'g6e.12xlarge',
  min: 1,
  max: 3,
  nodeRoleArn: 'arn:aws:iam::111122223333:role/nodes',
  subnets: { 'ap-southeast-5a': 'subnet-a', 'ap-southeast-5b': 'subnet-b' },
})

const SUBNET = 'aws:ec2/getSubnet:getSubnet'
type Answer = (inputs: Record<string, unknown>) => Record<string, unknown>
const whereItSays: Answer = ({ id }) => ({
  availabilityZone: `ap-southeast-5${String(id).slice(-1)}`,
})

async function provision(changes: Partial<EksPool> = {}, answer: Answer = whereItSays) {
  const registered = await mockClouds({ [SUBNET]: answer })
  const changed = { ...pool, ...changes }
  const accelerator = ACCELERATORS[changed.accelerator]
  const target = { context: 'gov', image: 'none' }
  const done = eks({ pool: changed, accelerator, jurisdiction, target }, {})
  const error = await done.then(
    (register) => register(),
    (cause: unknown) => cause,
  )
  await settled(registered, error === undefined ? 2 : 1)
  return { registered, error }
}

describe('a pool of EKS', () => {
  afterEach(() => vi.unstubAllEnvs())

  test('is one managed node group, by a provider that no region of the environment moves', async () => {
    vi.stubEnv('AWS_REGION', 'us-east-1')
    const { registered, error } = await provision()
    expect(error).toBeUndefined()
    expect(registered).toEqual([
      {
        type: 'pulumi:providers:aws',
        name: 'cards-aws',
        inputs: { region: 'ap-southeast-5', skipCredentialsValidation: true },
      },
      {
        type: 'aws:eks/nodeGroup:NodeGroup',
        name: 'cards',
        inputs: {
          clusterName: 'gov',
          nodeGroupName: 'cards',
          nodeRoleArn: 'arn:aws:iam::111122223333:role/nodes',
          subnetIds: ['subnet-a', 'subnet-b'],
          instanceTypes: ['g6e.12xlarge'],
          amiType: 'AL2023_x86_64_NVIDIA',
          capacityType: 'ON_DEMAND',
          diskSize: 200,
          scalingConfig: { minSize: 1, maxSize: 3, desiredSize: 1 },
          updateConfig: { maxUnavailable: 1, updateStrategy: 'MINIMAL' },
          nodeRepairConfig: { enabled: true },
          labels: {
            'serantau.local/jurisdiction': 'MY',
            'serantau.local/pool': 'cards',
            'nvidia.com/gpu.present': 'true',
          },
          taints: [{ key: 'nvidia.com/gpu', value: 'present', effect: 'NO_SCHEDULE' }],
        },
      },
    ])
    expect(optionsOf('cards')).toMatchObject({
      ignoreChanges: ['scalingConfig.desiredSize'],
      deleteBeforeReplace: true,
    })
  })

  test('of CPUs has the plain image, no taint and no label of a card', () => {
    const args = eksNodeGroup({ ...pool, accelerator: 'cpu' }, ACCELERATORS.cpu, jurisdiction)
    expect(args).toMatchObject({ amiType: 'AL2023_x86_64_STANDARD', taints: [] })
    expect(args.labels).not.toHaveProperty('nvidia.com/gpu.present')
  })

  test('of slices tells the GPU Operator how to partition its cards', () => {
    const sliced: EksPool = { ...pool, accelerator: 'nvidia-h100', slice: '1g.10gb' }
    expect(eksNodeGroup(sliced, ACCELERATORS['nvidia-h100'], jurisdiction).labels).toMatchObject({
      'nvidia.com/mig.config': 'all-1g.10gb',
    })
  })

  test('whose subnet lies abroad makes no node group, and says where the subnet lies', async () => {
    const { registered, error } = await provision({}, ({ id }) => ({
      availabilityZone: id === 'subnet-b' ? 'us-east-1b' : 'ap-southeast-5a',
    }))
    expect(error).toMatchObject({ code: 'PLACE_MISMATCH' })
    expect(error).toHaveProperty(
      'message',
      expect.stringMatching(
        /nodePools "cards".subnets.ap-southeast-5b: expected a subnet in ap-southeast-5b, got subnet-b, which lies in us-east-1b/,
      ),
    )
    expect(registered.map(({ type }) => type)).toEqual(['pulumi:providers:aws'])
  })

  test('without credentials makes no node group, and says how they are renewed', async () => {
    const { registered, error } = await provision({}, () => {
      throw refusal(SUBNET, 'ExpiredToken:\n\u001b[31mthe token is expired\u0007\n\n')
    })
    expect(error).toMatchObject({ code: 'CLOUD_UNREACHABLE' })
    const { message } = error as Error
    expect(message).toMatch(/expected Amazon to describe subnet-a in ap-southeast-5/)
    expect(message).toMatch(
      /got invoking .* ExpiredToken: \[31mthe token is expired\. Fix: .*aws sso login/,
    )
    expect(registered.map(({ type }) => type)).toEqual(['pulumi:providers:aws'])
  })

  test('is rendered without a question while preview contacts nothing', async () => {
    vi.stubEnv('SERANTAU_RENDER_ONLY', '1')
    const { registered, error } = await provision({}, () => {
      throw new Error('asked')
    })
    expect(error).toBeUndefined()
    expect(registered).toHaveLength(2)
  })

  test('names no place but those of the jurisdiction, whatever the stack file says', () => {
    fc.assert(
      fc.property(poolsInside('eks'), ({ pool, jurisdiction }) => {
        const args = eksNodeGroup(pool, ACCELERATORS[pool.accelerator], jurisdiction)
        expect(pool.region).toBe('ap-southeast-5')
        expect(args.subnetIds.length).toBeGreaterThan(0)
        for (const id of args.subnetIds) {
          const zone = id.slice('subnet-'.length)
          expect(zone).toMatch(/^ap-southeast-5[abc]$/)
          if (jurisdiction.zones.length > 0) expect(jurisdiction.zones).toContain(zone)
          if (pool.zones.length > 0) expect(pool.zones).toContain(zone)
        }
        expect(JSON.stringify(args)).not.toMatch(/ap-southeast-1|us-east/)
      }),
      { numRuns: 300 },
    )
  })
})
