import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parse, stringify } from 'yaml'
import { DEFAULT_MODEL_ID } from '../../catalog/index.ts'
import { startCluster, stopCluster, type LocalCluster } from '../../infra/local/cluster.ts'
import type { PreviewResult } from '../../infra/preview.ts'
import type { Status } from '../../infra/status.ts'
import { kubectl as runKubectl } from '../helpers/kubectl.ts'
import { EXISTING_POOL, KARPENTER_POOL } from '../helpers/pool-stacks.ts'
import { TestProject } from '../helpers/project.ts'
import { IMAGE } from '../helpers/stacks.ts'

const CLUSTER = 'existing-pools'
const LABEL = 'serantau.node-restriction.kubernetes.io/jurisdiction'
const quiet = () => undefined

describe('pools of nodes on a cluster that is there', () => {
  let project: TestProject
  let cluster: LocalCluster
  let kubectl: (...args: string[]) => Promise<string>

  beforeAll(async () => {
    project = await TestProject.create()
    vi.stubEnv('SERANTAU_HOME', project.home)
    cluster = await startCluster(CLUSTER, quiet)
    kubectl = (...args) => runKubectl('--kubeconfig', cluster.kubeconfig, ...args)
  })
  afterAll(async () => {
    await stopCluster(CLUSTER, quiet)
    vi.unstubAllEnvs()
    await project.remove()
  })

  /** `preview` of a stack with one pool. */
  const preview = async (pool: object, kubeconfig = cluster.kubeconfig) => {
    const config = {
      'serantau:jurisdiction': { country: 'MY', regions: ['ap-southeast-5'] },
      'serantau:cluster': { kind: 'existing', context: cluster.context, kubeconfig },
      'serantau:provider': 'offline',
      'serantau:image': IMAGE,
      'serantau:nodePools': [pool],
      'serantau:models': [
        {
          ...{ id: DEFAULT_MODEL_ID, pool: (pool as { name: string }).name },
          weights: { from: 'pvc', claim: 'models', path: 'smollm2.gguf' },
        },
      ],
    }
    await writeFile(project.stackFile('prod'), stringify({ config }))
    return project.run(['preview', '--stack', 'prod', '-o', 'json'])
  }
  const onCpus = { ...KARPENTER_POOL, accelerator: 'cpu', cards: 1, nodeCpus: 8 }

  test('Karpenter that is missing is told before anything is made', async () => {
    const { status, stdout } = await preview(onCpus)
    expect(stdout).toContain(
      'expected nodepools of karpenter.sh/v1 in the cluster, got no such API version. Fix: install Karpenter of your cloud',
    )
    expect(status).not.toBe(0)
    expect(await kubectl('get', 'namespaces', '-o', 'name')).not.toContain('namespace/serantau')
  })

  test('Karpenter of another version is told as such', async () => {
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'nodepools.karpenter.sh' },
      spec: {
        group: 'karpenter.sh',
        scope: 'Cluster',
        names: { plural: 'nodepools', singular: 'nodepool', kind: 'NodePool' },
        versions: [
          {
            ...{ name: 'v1beta1', served: true, storage: true },
            schema: { openAPIV3Schema: { type: 'object' } },
          },
        ],
      },
    }
    const file = join(project.folder, 'old-karpenter.yaml')
    await writeFile(file, stringify(definition))
    await kubectl('apply', '-f', file)
    await kubectl('wait', '--for=condition=Established', '-f', file)
    expect((await preview(onCpus)).stdout).toContain('got no such API version')
  })

  test('nodes that cannot serve are told with the fix, which then is one', async () => {
    expect((await preview(EXISTING_POOL)).stdout).toContain('{\\"rack\\":\\"r1\\"}: no node')
    await kubectl('label', 'node', '--all', 'rack=r1')
    expect((await preview(EXISTING_POOL)).stdout).toMatch(
      /says no jurisdiction\. Fix: if the machine stands inside MY: kubectl label node \S+ \S+=MY/,
    )
    await kubectl('label', 'node', '--all', `${LABEL}=SG`)
    expect((await preview(EXISTING_POOL)).stdout).toContain('is labelled SG')
    await kubectl('label', 'node', '--all', '--overwrite', `${LABEL}=MY`)
    const served = await preview(EXISTING_POOL)
    expect(served.status).toBe(0)
    const { steps } = JSON.parse(served.stdout) as PreviewResult
    expect(steps.map(({ type }) => type.split(':').at(-1))).toContain('PriorityClass')
    const seen = await project.json<Status>(['status', '--stack', 'prod'])
    expect(seen.pools).toEqual([{ name: 'rack', ready: 1, nodes: 1, causes: [] }])
  })

  test('credentials that are refused are told as such', async () => {
    const expired = join(project.folder, 'expired')
    const config = parse(await readFile(cluster.kubeconfig, 'utf8')) as {
      users: { user: object }[]
    }
    for (const each of config.users) each.user = { token: 'expired' }
    await writeFile(expired, stringify(config), { mode: 0o600 })
    expect((await preview(EXISTING_POOL, expired)).stdout).toMatch(
      /cluster\.context: expected context \S+ to answer, got HTTP 40[13]\. Fix: renew the credentials/,
    )
  })
})
