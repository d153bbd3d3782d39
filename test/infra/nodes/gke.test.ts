import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ACCELERATORS } from '../../../catalog/accelerators/index.ts'
import { GkePoolSchema, type GkePool } from '../../../catalog/node-pool.ts'
import { JurisdictionSchema } from '../../../catalog/stack-file.ts'
import { gke, gkeNodePool } from '../../../infra/nodes/gke.ts'
import { mockClouds, optionsOf, refusal, settled } from '../../helpers/cloud-packages.ts'
import { poolsInside } from '../../helpers/cloud-pools.ts'

const fakes = async () => (await import('../../helpers/cloud-packages.ts')).GCP
vi.mock('@pulumi/gcp/provider.js', async () => (await fakes()).provider)
vi.mock('@pulumi/gcp/container/nodePool.js', async () => (await fakes()).nodePool)
vi.mock('@pulumi/gcp/container/getCluster.js', async () => (await fakes()).getCluster)

const REGION = 'asia-southeast2'
const jurisdiction = JurisdictionSchema.parse({ country: 'ID', regions: [REGION] })
const pool: GkePool = GkePoolSchema.parse({
  name: 'cards',
  provisioner: 'gke',
  accelerator: 'nvidia-l4',
  cards: 2,
  cluster: 'gov',
  project: 'gov-ai',
  region: REGION,
  zones: [`${REGION}-a`, `${REGION}-b`],
  instanceType: 'g2-standard-24',
  acceleratorType: 'nvidia-l4',
  min: 1,
  max: 4,
})
const L4 = ACCELERATORS['nvidia-l4']
const CLUSTER = 'gcp:container/getCluster:getCluster'
const own = [`${REGION}-c`, `${REGION}-a`]
const described = {
  nodeLocations: own,
  workloadIdentityConfigs: [{ workloadPool: 'gov-ai.svc.id.goog' }],
}

type Answer = (inputs: Record<string, unknown>) => Record<string, unknown>
async function provision(changes: Partial<GkePool> = {}, answer: Answer = () => described) {
  const registered = await mockClouds({ [CLUSTER]: answer })
  const changed = { ...pool, ...changes }
  const accelerator = ACCELERATORS[changed.accelerator]
  const target = { context: 'gov', image: 'none' }
  const done = gke({ pool: changed, accelerator, jurisdiction, target }, {})
  const error = await done.then(
    (register) => register(),
    (cause: unknown) => cause,
  )
  await settled(registered, error === undefined ? 2 : 1)
  return { registered, error }
}

describe('a pool of GKE', () => {
  afterEach(() => vi.unstubAllEnvs())

  test('is one node pool in its zones, by a provider that nothing in the environment moves', async () => {
    vi.stubEnv('GOOGLE_REGION', 'us-east1')
    vi.stubEnv('GOOGLE_PROJECT', 'another')
    const { registered, error } = await provision()
    expect(error).toBeUndefined()
    expect(registered).toEqual([
      {
        type: 'pulumi:providers:gcp',
        name: 'cards-gcp',
        inputs: { project: 'gov-ai', region: REGION },
      },
      {
        type: 'gcp:container/nodePool:NodePool',
        name: 'cards',
        inputs: {
          project: 'gov-ai',
          cluster: 'gov',
          location: REGION,
          name: 'cards',
          nodeLocations: [`${REGION}-a`, `${REGION}-b`],
          initialNodeCount: 1,
          autoscaling: { totalMinNodeCount: 1, totalMaxNodeCount: 4, locationPolicy: 'BALANCED' },
          management: { autoRepair: true, autoUpgrade: true },
          upgradeSettings: { strategy: 'SURGE', maxSurge: 0, maxUnavailable: 1 },
          nodeConfig: {
            machineType: 'g2-standard-24',
            diskSizeGb: 200,
            imageType: 'COS_CONTAINERD',
            spot: false,
            labels: {
              'serantau.local/jurisdiction': 'ID',
              'serantau.local/pool': 'cards',
            },
            taints: [{ key: 'nvidia.com/gpu', value: 'present', effect: 'NO_SCHEDULE' }],
            guestAccelerators: [
              {
                type: 'nvidia-l4',
                count: 2,
                gpuDriverInstallationConfig: { gpuDriverVersion: 'DEFAULT' },
              },
            ],
            shieldedInstanceConfig: { enableIntegrityMonitoring: true, enableSecureBoot: true },
            workloadMetadataConfig: { mode: 'GKE_METADATA' },
          },
        },
      },
    ])
    expect(optionsOf('cards')).toMatchObject({
      ignoreChanges: ['initialNodeCount', 'nodeCount'],
      deleteBeforeReplace: true,
    })
  })

  test('asks for the cluster that the stack file names', async () => {
    const asked: unknown[] = []
    await provision({ location: `${REGION}-a` }, (inputs) => {
      asked.push(inputs)
      return described
    })
    expect(asked).toEqual([{ name: 'gov', location: `${REGION}-a`, project: 'gov-ai' }])
  })

  test("without zones gets its cluster's own, written down so that they stay", async () => {
    const { registered } = await provision({ zones: [] })
    expect(registered[1]?.inputs).toMatchObject({ nodeLocations: [`${REGION}-a`, `${REGION}-c`] })
  })

  test('without zones is refused where its cluster has one abroad', async () => {
    const { registered, error } = await provision({ zones: [] }, () => ({
      ...described,
      nodeLocations: [`${REGION}-a`, 'us-east1-b'],
    }))
    expect(error).toMatchObject({ code: 'PLACE_MISMATCH' })
    expect(error).toHaveProperty('message', expect.stringContaining('us-east1-b'))
    expect(registered).toHaveLength(1)
  })

  test('leaves driver and device plugin out where a GPU Operator brings them', () => {
    const args = gkeNodePool({ ...pool, driver: 'own' }, L4, jurisdiction, described)
    expect(args.nodeConfig).toMatchObject({
      imageType: 'UBUNTU_CONTAINERD',
      labels: {
        'gke-no-default-nvidia-gpu-device-plugin': 'true',
        'nvidia.com/gpu.present': 'true',
      },
      guestAccelerators: [
        { gpuDriverInstallationConfig: { gpuDriverVersion: 'INSTALLATION_DISABLED' } },
      ],
      shieldedInstanceConfig: { enableSecureBoot: false },
    })
  })

  test('asks for no identity of pods that its cluster does not have', () => {
    const args = gkeNodePool(pool, L4, jurisdiction, { nodeLocations: own })
    expect(args.nodeConfig).not.toHaveProperty('workloadMetadataConfig')
  })

  test('runs its nodes as the service account that is named', () => {
    const serviceAccount = 'nodes@gov-ai.iam.gserviceaccount.com'
    const args = gkeNodePool({ ...pool, serviceAccount }, L4, jurisdiction, described)
    expect(args.nodeConfig).toMatchObject({ serviceAccount, oauthScopes: [expect.any(String)] })
  })

  test.each([
    { min: 0, max: 4, zones: 2, each: 0 },
    { min: 3, max: 4, zones: 2, each: 2 },
    { min: 3, max: 3, zones: 2, each: 1 },
    { min: 1, max: 1, zones: 3, each: 0 },
  ])('starts with $each nodes in each of $zones zones for $min to $max', (row) => {
    const zones = ['a', 'b', 'c'].slice(0, row.zones).map((letter) => `${REGION}-${letter}`)
    const changed = { ...pool, min: row.min, max: row.max, zones }
    expect(gkeNodePool(changed, L4, jurisdiction, described).initialNodeCount).toBe(row.each)
  })

  test('without credentials makes no node pool, and says how they are renewed', async () => {
    const { registered, error } = await provision({}, () => {
      throw refusal(CLUSTER, 'could not find default credentials')
    })
    expect(error).toMatchObject({ code: 'CLOUD_UNREACHABLE' })
    expect((error as Error).message).toMatch(
      /Google to describe cluster gov in asia-southeast2, project gov-ai, got .*default credentials.*gcloud auth application-default login/,
    )
    expect(registered).toHaveLength(1)
  })

  test('of a cluster that is not there makes no node pool', async () => {
    const { registered, error } = await provision({}, () => ({ nodeLocations: null }))
    expect(error).toMatchObject({ code: 'CLOUD_UNREACHABLE' })
    expect((error as Error).message).toMatch(/cluster: .*got no such cluster/)
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

  test('names no place but those of the jurisdiction, whatever the stack file and the cluster say', () => {
    const locations = fc.uniqueArray(
      fc.constantFrom(...own, 'us-east1-b', 'asia-southeast1-a', `${REGION}-b`),
    )
    fc.assert(
      fc.property(poolsInside('gke'), locations, ({ pool, jurisdiction }, nodeLocations) => {
        const make = () =>
          gkeNodePool(pool, ACCELERATORS[pool.accelerator], jurisdiction, { nodeLocations })
        let args
        try {
          args = make()
        } catch (error) {
          expect(error).toMatchObject({ code: 'PLACE_MISMATCH' })
          return
        }
        expect(args.location).toMatch(/^asia-southeast2(-[abc])?$/)
        for (const zone of args.nodeLocations ?? []) {
          expect(zone).toMatch(/^asia-southeast2-[abc]$/)
          if (jurisdiction.zones.length > 0) expect(jurisdiction.zones).toContain(zone)
          if (pool.zones.length > 0) expect(pool.zones).toContain(zone)
        }
        expect(JSON.stringify(args)).not.toMatch(/asia-southeast1|us-east/)
      }),
      { numRuns: 300 },
    )
  })
})
