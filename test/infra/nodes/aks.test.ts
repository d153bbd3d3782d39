import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ACCELERATORS } from '../../../catalog/accelerators/index.ts'
import { AksPoolSchema, type AksPool } from '../../../catalog/node-pool.ts'
import { JurisdictionSchema } from '../../../catalog/stack-file.ts'
import { aks, aksAgentPool } from '../../../infra/nodes/aks.ts'
import { mockClouds, optionsOf, refusal, settled } from '../../helpers/cloud-packages.ts'
import { poolsInside } from '../../helpers/cloud-pools.ts'

const fakes = async () => (await import('../../helpers/cloud-packages.ts')).AZURE
const { provider, agentPool, getManagedCluster } = vi.hoisted(() => ({
  provider: '@pulumi/azure-native/provider.js',
  agentPool: '@pulumi/azure-native/containerservice/agentPool.js',
  getManagedCluster: '@pulumi/azure-native/containerservice/getManagedCluster.js',
}))
vi.mock(provider, async () => (await fakes()).provider)
vi.mock(agentPool, async () => (await fakes()).agentPool)
vi.mock(getManagedCluster, async () => (await fakes()).getManagedCluster)

const jurisdiction = JurisdictionSchema.parse({ country: 'MY', regions: ['malaysiawest'] })
const pool: AksPool = AksPoolSchema.parse({
  name: 'cards',
  provisioner: 'aks',
  accelerator: 'nvidia-h100',
  cluster: 'gov',
  resourceGroup: 'gov-ai',
  region: 'malaysiawest',
  zones: ['malaysiawest-1', 'malaysiawest-3'],
  instanceType: 'Standard_NC40ads_H100_v5',
  min: 0,
  max: 3,
})
const H100 = ACCELERATORS['nvidia-h100']
const CLUSTER = 'azure-native:containerservice:getManagedCluster'

type Answer = (inputs: Record<string, unknown>) => Record<string, unknown>
const there: Answer = () => ({ location: 'Malaysia West' })
async function provision(changes: Partial<AksPool> = {}, answer: Answer = there) {
  const registered = await mockClouds({ [CLUSTER]: answer })
  const changed = { ...pool, ...changes }
  const accelerator = ACCELERATORS[changed.accelerator]
  const target = { context: 'gov', image: 'none' }
  const done = aks({ pool: changed, accelerator, jurisdiction, target }, {})
  const error = await done.then(
    (register) => register(),
    (cause: unknown) => cause,
  )
  await settled(registered, error === undefined ? 2 : 1)
  return { registered, error }
}

describe('a pool of AKS', () => {
  afterEach(() => vi.unstubAllEnvs())

  test('is one agent pool in the zones of its numbers, by a provider of its region', async () => {
    vi.stubEnv('ARM_LOCATION', 'eastus')
    const { registered, error } = await provision()
    expect(error).toBeUndefined()
    expect(registered).toEqual([
      {
        type: 'pulumi:providers:azure-native',
        name: 'cards-azure',
        inputs: { location: 'malaysiawest' },
      },
      {
        type: 'azure-native:containerservice:AgentPool',
        name: 'cards',
        inputs: {
          resourceGroupName: 'gov-ai',
          resourceName: 'gov',
          agentPoolName: 'cards',
          mode: 'User',
          type: 'VirtualMachineScaleSets',
          osType: 'Linux',
          vmSize: 'Standard_NC40ads_H100_v5',
          osDiskSizeGB: 200,
          availabilityZones: ['1', '3'],
          enableAutoScaling: true,
          minCount: 0,
          maxCount: 3,
          count: 0,
          upgradeSettings: { maxSurge: '0', maxUnavailable: '1' },
          nodeLabels: {
            'serantau.local/jurisdiction': 'MY',
            'serantau.local/pool': 'cards',
            'nvidia.com/gpu.present': 'true',
          },
          nodeTaints: ['nvidia.com/gpu=present:NoSchedule'],
          gpuProfile: { driver: 'Install' },
        },
      },
    ])
    expect(optionsOf('cards')).toMatchObject({
      ignoreChanges: ['count'],
      deleteBeforeReplace: true,
    })
  })

  test('takes the subscription that is named, not that of the login', async () => {
    const { registered } = await provision({ subscription: '0000-1111' })
    expect(registered[0]?.inputs).toMatchObject({ subscriptionId: '0000-1111' })
  })

  test('of slices has its cards partitioned by Azure, or by the GPU Operator that is brought', () => {
    const sliced: AksPool = { ...pool, slice: '1g.10gb' }
    const byAzure = aksAgentPool(sliced, H100, jurisdiction)
    expect(byAzure).toMatchObject({ gpuInstanceProfile: 'MIG1g' })
    expect(byAzure.nodeLabels).not.toHaveProperty('nvidia.com/mig.config')
    const own = aksAgentPool({ ...sliced, driver: 'own' }, H100, jurisdiction)
    expect(own).toMatchObject({
      gpuProfile: { driver: 'None' },
      nodeLabels: { 'nvidia.com/mig.config': 'all-1g.10gb' },
    })
    expect(own).not.toHaveProperty('gpuInstanceProfile')
  })

  test("of spot nodes states Azure's taint beside the card's", () => {
    expect(aksAgentPool({ ...pool, spot: true }, H100, jurisdiction)).toMatchObject({
      scaleSetPriority: 'Spot',
      scaleSetEvictionPolicy: 'Delete',
      spotMaxPrice: -1,
      nodeTaints: [
        'nvidia.com/gpu=present:NoSchedule',
        'kubernetes.azure.com/scalesetpriority=spot:NoSchedule',
      ],
    })
  })

  test('of CPUs has no setting of a card', () => {
    const args = aksAgentPool({ ...pool, accelerator: 'cpu' }, ACCELERATORS.cpu, jurisdiction)
    expect(args).not.toHaveProperty('gpuProfile')
    expect(args.nodeTaints).toEqual([])
  })

  test('of a cluster abroad makes no agent pool: its nodes would lie there', async () => {
    const { registered, error } = await provision({}, () => ({ location: 'eastus' }))
    expect(error).toMatchObject({ code: 'PLACE_MISMATCH' })
    expect((error as Error).message).toMatch(
      /region: expected malaysiawest, .*got cluster gov, which lies in eastus/,
    )
    expect(registered).toHaveLength(1)
  })

  test('without credentials makes no agent pool, and says how they are renewed', async () => {
    const { registered, error } = await provision({}, () => {
      throw refusal(CLUSTER, "AADSTS700082: run 'az login'")
    })
    expect(error).toMatchObject({ code: 'CLOUD_UNREACHABLE' })
    expect((error as Error).message).toMatch(
      /Azure to describe cluster gov in resource group gov-ai, got .*AADSTS700082.*`az login`/,
    )
    expect(registered).toHaveLength(1)
  })

  test('is rendered without a question while preview contacts nothing', async () => {
    vi.stubEnv('SERANTAU_RENDER_ONLY', '1')
    const { registered, error } = await provision({}, () => {
      throw new Error('asked')
    })
    expect(error).toBeUndefined()
    expect(registered).toHaveLength(2)
  })

  test('names no zone but those of the jurisdiction, whatever the stack file says', () => {
    fc.assert(
      fc.property(poolsInside('aks'), ({ pool, jurisdiction }) => {
        const args = aksAgentPool(pool, ACCELERATORS[pool.accelerator], jurisdiction)
        expect(pool.region).toBe('malaysiawest')
        for (const number of args.availabilityZones ?? []) {
          const zone = `malaysiawest-${number}`
          expect(zone).toMatch(/-[123]$/)
          if (jurisdiction.zones.length > 0) expect(jurisdiction.zones).toContain(zone)
          if (pool.zones.length > 0) expect(pool.zones).toContain(zone)
        }
        if (pool.zones.length + jurisdiction.zones.length > 0) {
          expect(args.availabilityZones?.length).toBeGreaterThan(0)
        }
      }),
      { numRuns: 300 },
    )
  })
})
