import { describe, expect, test } from 'vitest'
import { cloudPlatformProblems } from '../../catalog/check-cloud-pools.ts'
import { poolProblems } from '../../catalog/check-pools.ts'
import { NodePoolSchema } from '../../catalog/node-pool.ts'
import { JurisdictionSchema } from '../../catalog/stack-file.ts'

const common = { name: 'cards', accelerator: 'nvidia-h100', cluster: 'gov', max: 2 }
const EKS = {
  ...{ ...common, provisioner: 'eks', region: 'ap-southeast-5', instanceType: 'p5.48xlarge' },
  nodeRoleArn: 'arn:aws:iam::1:role/nodes',
  subnets: { 'ap-southeast-5a': 'subnet-a', 'ap-southeast-5b': 'subnet-b' },
}
const GKE = {
  ...{ ...common, provisioner: 'gke', region: 'asia-southeast2', instanceType: 'a3-highgpu-1g' },
  project: 'gov',
}
const AKS = {
  ...{ ...common, provisioner: 'aks', region: 'malaysiawest', resourceGroup: 'gov' },
  instanceType: 'Standard_NC40ads_H100_v5',
}
const MY = { country: 'MY', regions: ['ap-southeast-5', 'malaysiawest'] }
const ID = { country: 'ID', regions: ['asia-southeast2'] }

const problems = (pool: object, jurisdiction: object = MY) =>
  poolProblems({
    jurisdiction: JurisdictionSchema.parse(jurisdiction),
    nodePools: [NodePoolSchema.parse(pool)],
  })

type Accepted = [what: string, pool: object, jurisdiction?: object]
const accepted: Accepted[] = [
  ['of EKS', EKS],
  ['of EKS with the zones of its subnets', { ...EKS, zones: Object.keys(EKS.subnets) }],
  ['of GKE', GKE, ID],
  [
    'of GKE in a zonal cluster',
    { ...GKE, location: 'asia-southeast2-a', zones: ['asia-southeast2-a'] },
    ID,
  ],
  [
    'of GKE with slices of a GPU Operator',
    { ...GKE, slice: '1g.10gb', driver: 'own', acceleratorType: 'nvidia-h100-80gb' },
    ID,
  ],
  ['of AKS', AKS],
  ['of AKS with slices', { ...AKS, slice: '2g.20gb', zones: ['malaysiawest-2'] }],
  ['of AKS in a country of several regions', AKS, { ...MY, zones: ['malaysiawest-1', 'gov-dc-1'] }],
]

type Refused = [what: string, pool: object, path: string, message: RegExp, jurisdiction?: object]
const refused: Refused[] = [
  [
    'of EKS in a region abroad',
    { ...EKS, region: 'us-east-1', subnets: { 'us-east-1a': 'subnet-a' } },
    'region',
    /one of jurisdiction\.regions/,
  ],
  [
    'of EKS with a subnet abroad',
    { ...EKS, subnets: { 'us-east-1a': 'subnet-a' } },
    'subnets',
    /us-east-1a/,
  ],
  [
    'of EKS with a subnet of another cloud',
    { ...EKS, subnets: { 'malaysiawest-1': 'subnet-a' } },
    'subnets',
    /zones of ap-southeast-5, such as ap-southeast-5a/,
  ],
  [
    "of EKS with a subnet in Google's spelling",
    { ...EKS, subnets: { 'ap-southeast-5-a': 'subnet-a' } },
    'subnets',
    /such as ap-southeast-5a/,
  ],
  [
    'of EKS with a zone that has no subnet',
    { ...EKS, zones: ['ap-southeast-5c'] },
    'subnets',
    /a subnet for each of zones/,
  ],
  [
    'of EKS with a subnet outside its zones',
    { ...EKS, zones: ['ap-southeast-5a'] },
    'subnets',
    /and no other/,
  ],
  [
    'of EKS with cards that Amazon has no image for',
    { ...EKS, accelerator: 'amd-mi300x' },
    'amiType',
    /set amiType/,
  ],
  ['of GKE with a zone abroad', { ...GKE, zones: ['us-east1-b'] }, 'zones', /us-east1-b/, ID],
  [
    "of GKE with a zone in Azure's spelling",
    { ...GKE, zones: ['asia-southeast2-1'] },
    'zones',
    /such as asia-southeast2-a/,
    ID,
  ],
  [
    'of GKE in a cluster abroad',
    { ...GKE, location: 'asia-southeast1-a' },
    'location',
    /asia-southeast2, or a zone of it/,
    ID,
  ],
  [
    'of GKE in a cluster of a zone that the jurisdiction leaves out',
    { ...GKE, location: 'asia-southeast2-b' },
    'location',
    /inside the jurisdiction/,
    { ...ID, zones: ['asia-southeast2-a'] },
  ],
  [
    'of GKE with CPUs and a card',
    { ...GKE, accelerator: 'cpu', acceleratorType: 'nvidia-l4' },
    'acceleratorType',
    /nothing beside accelerator cpu/,
    ID,
  ],
  [
    "of GKE with one's own driver for a card that is not named",
    { ...GKE, driver: 'own' },
    'acceleratorType',
    /remove driver/,
    ID,
  ],
  [
    "of GKE with slices and Google's driver",
    { ...GKE, slice: '1g.10gb' },
    'driver',
    /set driver: own/,
    ID,
  ],
  [
    'of AKS with a zone abroad',
    { ...AKS, zones: ['eastus-1'] },
    'zones',
    /zones of the jurisdiction MY/,
  ],
  [
    "of AKS with a zone in Amazon's spelling",
    { ...AKS, zones: ['malaysiawesta'] },
    'zones',
    /such as malaysiawest-1/,
  ],
  [
    'of AKS with a slice that Azure cannot make',
    { ...AKS, slice: '1g.20gb' },
    'slice',
    /one of 1g\.10gb, 2g\.20gb, 3g\.40gb, 4g\.40gb, 7g\.80gb/,
  ],
  [
    'of AKS in a region that no zone of the jurisdiction lies in',
    AKS,
    'region',
    /a region that jurisdiction\.zones \(ap-southeast-5a\) lie in/,
    { ...MY, zones: ['ap-southeast-5a'] },
  ],
]

describe("a cloud's pool", () => {
  test.each(accepted)('%s is accepted', (_what, pool, jurisdiction) => {
    expect(problems(pool, jurisdiction)).toEqual([])
  })

  test.each(refused)(
    '%s is refused by path and fix',
    (_what, pool, path, message, jurisdiction) => {
      const found = problems(pool, jurisdiction)
      const at = found.filter((problem) => problem.path === `serantau:nodePools[0].${path}`)
      expect(at.length).toBeGreaterThan(0)
      expect(at.map(({ expected, got, fix }) => `${expected}, ${got}. ${fix}`).join('\n')).toMatch(
        message,
      )
    },
  )

  test.each([
    ['an AKS name that AKS does not take', { ...AKS, name: 'gpu-pool' }],
    ['a GKE name that GKE does not take', { ...GKE, name: '1cards' }],
    ['EKS without a subnet', { ...EKS, subnets: {} }],
    ['a disk in fractions', { ...EKS, diskGiB: 20.5 }],
    ['nodes below none', { ...AKS, min: -1 }],
    ['no node at most', { ...GKE, max: 0 }],
  ])('with %s is no pool', (_what, pool) => {
    expect(NodePoolSchema.safeParse(pool).success).toBe(false)
  })

  const nodePools = [NodePoolSchema.parse(AKS)]
  const existing = { kind: 'existing', context: 'gov' } as const
  test('belongs to a cluster that is there, and not to the embedded one', () => {
    const found = (more: object) =>
      cloudPlatformProblems({ nodePools, cluster: existing, provider: undefined, ...more })
    expect(found({})).toEqual([])
    expect(found({ cluster: { kind: 'local', name: 'a' } })).toMatchObject([
      {
        path: 'serantau:nodePools[0].provisioner',
        expected: expect.stringContaining('embedded cluster'),
      },
    ])
    expect(found({ provider: 'offline' })).toMatchObject([
      { fix: expect.stringContaining('remove serantau:provider') },
    ])
  })
})
