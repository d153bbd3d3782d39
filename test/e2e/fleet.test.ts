import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startCluster, stopCluster, type LocalCluster } from '../../infra/local/cluster.ts'
import { findSandbox } from '../../infra/local/cluster/sandbox.ts'
import { clusterFolder } from '../../infra/local/cluster/state.ts'
import { listProcesses, namespaceOf } from '../../infra/local/process-table.ts'
import { JURISDICTION_LABEL, ZONE_LABEL } from '../../infra/nodes/placement.ts'
import { clusterApiObjects } from '../../infra/nodes/cluster-api.ts'
import {
  type Fleet,
  installDefinitions,
  SIMULATED,
  startFleet,
} from '../../infra/rehearsal/fleet.ts'
import { chartCases } from '../helpers/chart-cases.ts'
import { Helm } from '../helpers/helm.ts'
import {
  ZONES,
  accelerator,
  clusterApiPool,
  deployment,
  jurisdiction,
  nodePool,
  pool,
} from '../helpers/gpu-pool.ts'

const report = (): void => undefined
const NAME = 'fleet-test'
const REPLICAS = 4

interface Node {
  metadata: { name: string; labels: Record<string, string> }
  spec: { taints?: { key: string }[] }
}
interface Pod {
  metadata: { name: string }
  spec: { nodeName?: string }
  status: { phase: string; conditions?: { type: string; status: string }[] }
}

let home = ''
let cluster: LocalCluster
let fleet: Fleet

const simulatedNodes = (): Promise<Node[]> =>
  fleet.kubectl.list<Node>('nodes', '-l', `${SIMULATED.key}=${SIMULATED.value}`)
const pods = (country: string): Promise<Pod[]> =>
  fleet.kubectl.list<Pod>('pods', '-l', `app=${country.toLowerCase()}`)

/** Polls, because a list of nodes or pods comes to rest a moment after the last change. */
const settled = (check: () => Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 60_000, interval: 200 })

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'serantau-fleet-'))
  vi.stubEnv('SERANTAU_HOME', home)
  cluster = await startCluster(NAME, report)
  fleet = await startFleet({ cluster, pools: [pool], jurisdiction }, report)
})

afterAll(async () => {
  await fleet.stop()
  await stopCluster(NAME, report)
  vi.unstubAllEnvs()
  await rm(home, { recursive: true, force: true })
})

describe('the simulated fleet', () => {
  it('refuses a NodePool with a wrong value, by the definitions that Karpenter publishes', async () => {
    const wrong = structuredClone(nodePool) as { spec: { disruption: object } }
    wrong.spec.disruption = { ...wrong.spec.disruption, consolidateAfter: 'soon' }
    await expect(fleet.kubectl.apply(wrong)).rejects.toThrow(/spec.disruption.consolidateAfter/)
  })

  it('knows the definitions of Cluster API and KEDA', async () => {
    await installDefinitions(fleet.kubectl, ['cluster-api', 'keda'], report)
    const served = await fleet.kubectl('api-resources', '-o', 'name')
    for (const resource of ['machinedeployments.cluster.x-k8s.io', 'scaledobjects.keda.sh']) {
      expect(served).toContain(resource)
    }
  })

  it('takes what is rendered for Cluster API, and refuses a misspelt field of it', async () => {
    const objects = clusterApiObjects(clusterApiPool, accelerator, jurisdiction)
    const dryRun = (items: object[]) =>
      fleet.kubectl.dryRun({ apiVersion: 'v1', kind: 'List', items })
    expect(objects).toHaveLength(3)
    await dryRun(objects)
    const [first] = structuredClone(objects) as unknown as { spec: Record<string, unknown> }[]
    const wrong = { ...first, spec: { ...first?.spec, replicaz: 1 } }
    await expect(dryRun([wrong])).rejects.toThrow(/replicaz/)
  })

  it('takes the ScaledObject that is rendered for KEDA', async () => {
    const wanted = chartCases().find(({ name }) => name === 'a model that KEDA scales')
    const helm = await Helm.create()
    const rendered = await helm.template('gateway', 'default', wanted?.values ?? {})
    await helm.remove()
    const scaled = rendered.filter(({ kind }) => kind === 'ScaledObject')
    expect(scaled.length).toBeGreaterThan(0)
    await fleet.kubectl.dryRun({ apiVersion: 'v1', kind: 'List', items: scaled })
  })

  it('makes nodes for pods that ask for cards, in both zones, with the labels and taint of the pool', async () => {
    await fleet.kubectl.apply(nodePool, deployment('MY', REPLICAS, 'DoNotSchedule'))
    await settled(async () => {
      const running = (await pods('MY')).filter(({ status }) => status.phase === 'Running')
      expect(running).toHaveLength(REPLICAS)
    })
    const nodes = await simulatedNodes()
    expect(nodes.length).toBeGreaterThan(0)
    for (const { metadata, spec } of nodes) {
      expect(metadata.labels).toMatchObject(nodePool.spec.template.metadata.labels)
      expect(spec.taints?.map(({ key }) => key)).toContain(accelerator.taint?.key)
    }
    const zones = new Set(nodes.map(({ metadata }) => metadata.labels[ZONE_LABEL]))
    expect([...zones].sort()).toEqual(ZONES)
  })

  it('binds the pods to those nodes, none to the real one', async () => {
    const names = (await simulatedNodes()).map(({ metadata }) => metadata.name)
    for (const { spec } of await pods('MY')) expect(names).toContain(spec.nodeName)
  })

  it('makes no node for a pod of another jurisdiction, which waits', async () => {
    const before = await simulatedNodes()
    await fleet.kubectl.apply(deployment('SG', 1, 'DoNotSchedule'))
    await settled(async () => {
      const [pod] = await pods('SG')
      const condition = pod?.status.conditions?.find(({ type }) => type === 'PodScheduled')
      expect(condition?.status).toBe('False')
    })
    // Karpenter has judged the pod by then: it says so in an event.
    await settled(async () => {
      const events = await fleet.kubectl('get', 'events', '-o', 'jsonpath={..message}')
      expect(events).toMatch(new RegExp(`incompatible requirements, key ${JURISDICTION_LABEL}`))
    })
    expect(await simulatedNodes()).toHaveLength(before.length)
    expect((await pods('SG'))[0]?.spec.nodeName).toBeUndefined()
  })

  it('lets the nodes go when their pods are gone', async () => {
    await fleet.kubectl('delete', 'deployment', 'model-my', '--wait=true')
    await settled(async () => expect(await simulatedNodes()).toEqual([]))
    await fleet.check()
  })

  it('leaves no program behind when it stops', async () => {
    // Another cluster's rehearsal may run at the same time: ours have the network of our node.
    const sandbox = await findSandbox(clusterFolder(NAME))
    const network = await namespaceOf(sandbox!.pid, 'net')
    const ours = async () => {
      const programs = (await listProcesses()).filter(({ argv }) =>
        /\/(kwok|karpenter-kwok)$/.test(argv[0] ?? ''),
      )
      const networks = await Promise.all(programs.map(({ pid }) => namespaceOf(pid, 'net')))
      return networks.filter((one) => one === network)
    }
    expect(await ours()).toHaveLength(2)
    await fleet.stop()
    expect(await ours()).toEqual([])
  })
})
