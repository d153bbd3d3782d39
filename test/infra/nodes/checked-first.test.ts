import { expect, test, vi } from 'vitest'
import { StackFileSchema } from '../../../catalog/stack-file.ts'
import { createNodePools } from '../../../infra/nodes/node-pools.ts'
import { mockClouds, refusal, settled } from '../../helpers/cloud-packages.ts'

const fakes = async () => await import('../../helpers/cloud-packages.ts')
vi.mock('@pulumi/aws/provider.js', async () => (await fakes()).AWS.provider)
vi.mock('@pulumi/aws/eks/nodeGroup.js', async () => (await fakes()).AWS.nodeGroup)
vi.mock('@pulumi/aws/ec2/getSubnet.js', async () => (await fakes()).AWS.getSubnet)

const SUBNET = 'aws:ec2/getSubnet:getSubnet'
const pool = (letter: string) => ({
  ...{ name: `cards-${letter}`, provisioner: 'eks', accelerator: 'nvidia-l40s', cluster: 'gov' },
  ...{ region: 'ap-southeast-5', instanceType: 'g6e.xlarge', max: 2 },
  nodeRoleArn: 'arn:aws:iam::1:role/nodes',
  subnets: { [`ap-southeast-5${letter}`]: `subnet-${letter}` },
})
const stack = StackFileSchema.parse({
  jurisdiction: { country: 'MY', regions: ['ap-southeast-5'] },
  models: [{ id: 'smollm2-135m-instruct' }],
  nodePools: [pool('a'), pool('b')],
})
const target = { context: 'gov', image: 'none' }
const there = ({ id }: Record<string, unknown>) => ({
  availabilityZone: `ap-southeast-5${String(id).slice(-1)}`,
})

test('all pools are made, their labels guarded', async () => {
  const registered = await mockClouds({ [SUBNET]: there })
  const outputs = await createNodePools(stack, target, {})
  await settled(registered, 8)
  expect(registered.map(({ name }) => name).sort()).toEqual(
    ['cards-a', 'cards-a', 'cards-a-aws', 'cards-b', 'cards-b', 'cards-b-aws'].concat(
      ...['node-labels', 'node-labels'],
    ),
  )
  expect(outputs).toMatchObject([{ name: 'cards-a', min: 0, max: 2 }, { name: 'cards-b' }])
})

test('no pool is made where what another one needs is not found', async () => {
  const registered = await mockClouds({
    [SUBNET]: (inputs) => {
      if (inputs['id'] === 'subnet-b') throw refusal(SUBNET, 'ExpiredToken')
      return there(inputs)
    },
  })
  await expect(createNodePools(stack, target, {})).rejects.toThrow(/cards-b.*ExpiredToken/)
  await settled(registered, 4)
  const types = new Set(registered.map(({ type }) => type))
  expect([...types].sort()).toEqual(['pulumi:providers:aws', 'serantau:nodes:NodePool'])
})
