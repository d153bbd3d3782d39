import { execFile } from 'node:child_process'
import { link, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parse, stringify } from 'yaml'
import { BASE_MODELS, DEFAULT_MODEL_ID } from '../../catalog/index.ts'
import { buildImage } from '../../infra/local/image.ts'
import {
  importImage,
  startCluster,
  stopCluster,
  weightsFolder,
  type LocalCluster,
} from '../../infra/local/cluster.ts'
import { weightsStore } from '../../infra/local/paths.ts'
import type { UpResult } from '../../infra/up.ts'
import { ensureWeights } from '../../weights/fetch.ts'
import { TestProject } from '../helpers/project.ts'

const run = promisify(execFile)
const quiet = () => undefined
const NAMESPACE = 'ministry'
const KINDS = [
  'namespaces,services,endpoints,configmaps,secrets,serviceaccounts,pods,deployments,replicasets',
  'networkpolicies,persistentvolumes,persistentvolumeclaims,poddisruptionbudgets',
  'clusterroles,clusterrolebindings,roles,rolebindings,customresourcedefinitions',
].join(',')

interface Kubeconfig {
  clusters: { name: string }[]
  users: { name: string }[]
  contexts: { name: string; context: { cluster: string; user: string } }[]
}

/** A ministry's namespace with a volume that its storage team filled. */
const ministry = (path: string) => `
apiVersion: v1
kind: Namespace
metadata: { name: ${NAMESPACE}, labels: { pod-security.kubernetes.io/enforce: restricted } }
---
apiVersion: v1
kind: PersistentVolume
metadata: { name: ministry-models }
spec:
  capacity: { storage: 1Gi }
  accessModes: [ReadOnlyMany]
  storageClassName: ''
  hostPath: { path: ${path}, type: Directory }
  claimRef: { namespace: ${NAMESPACE}, name: models }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: models, namespace: ${NAMESPACE} }
spec:
  accessModes: [ReadOnlyMany]
  storageClassName: ''
  volumeName: ministry-models
  resources: { requests: { storage: 1Gi } }
`

describe('cluster.kind: existing, through a kubeconfig with two contexts', () => {
  let project: TestProject
  let ours: LocalCluster
  let other: LocalCluster
  let kubeconfig: string
  let untouched: string

  const kubectl = async (context: string, ...args: string[]) =>
    (
      await run('kubectl', ['--kubeconfig', kubeconfig, '--context', context, ...args], {
        maxBuffer: 2 ** 26,
      })
    ).stdout

  beforeAll(async () => {
    project = await TestProject.create()
    vi.stubEnv('SERANTAU_HOME', project.home)
    ours = await startCluster('ministry', quiet)
    other = await startCluster('neighbour', quiet)
    kubeconfig = join(project.folder, 'kubeconfig')
    await writeFile(kubeconfig, await mergeKubeconfigs(ours, other), { mode: 0o600 })

    const file = BASE_MODELS[DEFAULT_MODEL_ID]!.files[0]!
    const source = await ensureWeights(file, weightsStore(), quiet)
    const folder = join(weightsFolder('ministry'), 'storage-team')
    await mkdir(folder, { recursive: true })
    await link(source, join(folder, 'smollm2.gguf'))
    const image = await buildImage(quiet)
    await importImage(ours, image.archive, image.name)

    const manifest = join(project.folder, 'ministry.yaml')
    await writeFile(manifest, ministry(ours.nodeWeightsFolder))
    await kubectl(ours.context, 'apply', '-f', manifest)
    await writeFile(
      project.stackFile('prod'),
      stringify({
        config: {
          'serantau:jurisdiction': { country: 'MY', regions: ['my-central-1'] },
          'serantau:cluster': { kind: 'existing', context: ours.context, kubeconfig },
          'serantau:provider': 'offline',
          'serantau:namespace': NAMESPACE,
          'serantau:createNamespace': false,
          'serantau:image': `${image.name}@${image.digest}`,
          'serantau:expose': {
            kind: 'clusterIP',
            allowFrom: { cidrs: [`${ours.hostAddress}/32`] },
          },
          'serantau:models': [
            {
              id: DEFAULT_MODEL_ID,
              cpu: 1,
              weights: { from: 'pvc', claim: 'models', path: 'storage-team/smollm2.gguf' },
            },
          ],
        },
      }),
    )
    untouched = await kubectl(other.context, 'get', KINDS, '-A', '-o', 'yaml')
  })
  afterAll(async () => {
    await stopCluster('ministry', quiet)
    await stopCluster('neighbour', quiet)
    vi.unstubAllEnvs()
    await project.remove()
  })

  test('`up` deploys to the named context, which is not the current one', async () => {
    const result = await project.json<UpResult>(['up', '--stack', 'prod'])
    expect(result.outputs.endpoint).toBe(`http://gateway.${NAMESPACE}.svc:8080/v1`)
    const address = await kubectl(
      ...([ours.context, '-n', NAMESPACE, 'get', 'service', 'gateway'] as const),
      ...(['-o', 'jsonpath={.spec.clusterIP}'] as const),
    )
    const apiKey = (await readFile(result.keyFile ?? '', 'utf8')).trim()
    const client = new OpenAI({ baseURL: `http://${address}:8080/v1`, apiKey })
    const answer = await client.chat.completions.create({
      model: DEFAULT_MODEL_ID,
      max_tokens: 8,
      temperature: 0,
      messages: [{ role: 'user', content: 'Name the capital of France.' }],
    })
    expect(answer.usage?.completion_tokens).toBeGreaterThan(0)
  })

  test("the other context's objects stay byte for byte the same", async () => {
    expect(await kubectl(other.context, 'get', KINDS, '-A', '-o', 'yaml')).toBe(untouched)
  })

  test('`down` removes what `up` made and leaves namespace and volume, which are the ministry’s', async () => {
    await project.succeed(['down', '--stack', 'prod', '--yes'])
    const left = await kubectl(
      ours.context,
      '-n',
      NAMESPACE,
      'get',
      'deployments,services,secrets',
      '-o',
      'name',
    )
    expect(left.trim()).toBe('')
    const claim = await kubectl(
      ours.context,
      '-n',
      NAMESPACE,
      'get',
      'pvc',
      'models',
      '-o',
      'jsonpath={.status.phase}',
    )
    expect(claim).toBe('Bound')
  })
})

/** One file with both contexts, the other one current: a careless tool would deploy there. */
async function mergeKubeconfigs(ours: LocalCluster, other: LocalCluster): Promise<string> {
  const parts = await Promise.all(
    [ours, other].map(async ({ kubeconfig, context: name }) => {
      const { clusters, users } = parse(await readFile(kubeconfig, 'utf8')) as Kubeconfig
      return {
        cluster: { ...clusters[0], name },
        user: { ...users[0], name },
        context: { name, context: { cluster: name, user: name } },
      }
    }),
  )
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: parts.map(({ cluster }) => cluster),
    users: parts.map(({ user }) => user),
    contexts: parts.map(({ context }) => context),
    'current-context': other.context,
  })
}
