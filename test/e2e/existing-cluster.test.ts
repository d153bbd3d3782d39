import { execFile } from 'node:child_process'
import { chmod, link, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parse, stringify } from 'yaml'
import { BASE_MODELS, DEFAULT_MODEL_ID, knownFile } from '../../catalog/index.ts'
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
import { kubectl as runKubectl } from '../helpers/kubectl.ts'
import { TestProject } from '../helpers/project.ts'
import { tellPodsOfFailed } from '../helpers/tell-pods.ts'

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

/** An https file server with a CA of its own, in the same cluster, and a volume of class "fast". */
const fileServer = (image: string, folder: string, tls: { cert: string; key: string }) =>
  stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'files' } },
      {
        ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'tls', namespace: 'files' } },
        stringData: tls,
      },
      {
        ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'files', namespace: 'files' } },
        spec: { selector: { app: 'files' }, ports: [{ port: 443 }] },
      },
      {
        ...{ apiVersion: 'v1', kind: 'Pod' },
        metadata: { name: 'files', namespace: 'files', labels: { app: 'files' } },
        spec: {
          terminationGracePeriodSeconds: 1,
          securityContext: {
            sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
          },
          containers: [
            {
              name: 'files',
              image,
              command: ['node', '-e', FILE_SERVER],
              readinessProbe: { tcpSocket: { port: 443 }, periodSeconds: 1 },
              volumeMounts: [
                { name: 'tls', mountPath: '/tls' },
                { name: 'models', mountPath: '/models', readOnly: true },
              ],
            },
          ],
          volumes: [
            { name: 'tls', secret: { secretName: 'tls' } },
            { name: 'models', hostPath: { path: `${folder}/storage-team` } },
          ],
        },
      },
      {
        ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'fast' } },
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'fast',
          persistentVolumeReclaimPolicy: 'Retain',
          hostPath: { path: `${folder}/fast`, type: 'Directory' },
        },
      },
    ],
  })
const FILE_SERVER = `
const { createReadStream, readFileSync } = require('node:fs')
const tls = { cert: readFileSync('/tls/cert'), key: readFileSync('/tls/key') }
require('node:https').createServer(tls, (request, response) => {
  createReadStream('/models' + request.url).on('error', () => response.destroy()).pipe(response)
}).listen(443)`

/** A self-signed certificate is its own CA. */
async function selfSigned(folder: string): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(folder, 'ca.pem'), join(folder, 'ca.key')]
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-days', '2', '-subj', '/CN=files', '-addext', 'subjectAltName=DNS:files.files.svc'],
    ...['-keyout', key, '-out', cert],
  ])
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') }
}

describe('cluster.kind: existing, through a kubeconfig with two contexts', () => {
  let project: TestProject
  let ours: LocalCluster
  let other: LocalCluster
  let kubeconfig: string
  let untouched: string
  let imageReference: string

  const kubectl = (context: string, ...args: string[]) =>
    runKubectl('--kubeconfig', kubeconfig, '--context', context, ...args)

  beforeAll(async () => {
    project = await TestProject.create()
    vi.stubEnv('SERANTAU_HOME', project.home)
    ours = await startCluster('ministry', quiet)
    other = await startCluster('neighbour', quiet)
    kubeconfig = join(project.folder, 'kubeconfig')
    await writeFile(kubeconfig, await mergeKubeconfigs(ours, other), { mode: 0o600 })

    const file = knownFile(BASE_MODELS[DEFAULT_MODEL_ID]!)
    const source = await ensureWeights(file, weightsStore(), quiet)
    const folder = join(weightsFolder('ministry'), 'storage-team')
    await mkdir(folder, { recursive: true })
    await link(source, join(folder, 'smollm2.gguf'))
    const image = await buildImage(quiet)
    await importImage(ours, image.archive, image.name)
    imageReference = `${image.name}@${image.digest}`

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
          'serantau:image': imageReference,
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
  tellPodsOfFailed(() => ours.kubeconfig)

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

  test('weights by an https URL of an own CA fill a claim of the storage class and serve', async () => {
    const tls = await selfSigned(project.folder)
    await mkdir(join(weightsFolder('ministry'), 'fast'))
    // Whatever UID the pod gets must be able to fill the volume.
    await chmod(join(weightsFolder('ministry'), 'fast'), 0o777)
    const manifest = join(project.folder, 'files.yaml')
    await writeFile(manifest, fileServer(imageReference, ours.nodeWeightsFolder, tls))
    await kubectl(ours.context, 'apply', '-f', manifest)
    await kubectl(
      ours.context,
      '-n',
      'files',
      'wait',
      '--for=condition=Ready',
      'pod/files',
      '--timeout=60s',
    )

    const path = project.stackFile('prod')
    const stack = parse(await readFile(path, 'utf8')) as { config: Record<string, unknown> }
    stack.config['serantau:storageClass'] = 'fast'
    stack.config['serantau:caBundle'] = join(project.folder, 'ca.pem')
    stack.config['serantau:models'] = [
      {
        id: DEFAULT_MODEL_ID,
        cpu: 1,
        weights: { from: 'url', url: 'https://files.files.svc/smollm2.gguf' },
      },
    ]
    await writeFile(path, stringify(stack))
    await project.json<UpResult>(['up', '--stack', 'prod'])
    const stored = await readdir(join(weightsFolder('ministry'), 'fast', 'sha256'))
    expect(stored).toEqual([`${knownFile(BASE_MODELS[DEFAULT_MODEL_ID]!).sha256}.gguf`])
  })

  test("the other context's objects stay byte for byte the same", async () => {
    expect(await kubectl(other.context, 'get', KINDS, '-A', '-o', 'yaml')).toBe(untouched)
  })

  test('`down` keeps the weights, `down --purge` removes them, and neither touches the ministry’s own', async () => {
    const claims = () =>
      kubectl(
        ours.context,
        '-n',
        NAMESPACE,
        'get',
        'pvc',
        '-o',
        'jsonpath={.items[*].metadata.name}',
      )
    await project.succeed(['down', '--stack', 'prod', '--yes'])
    expect(await claims()).toBe(`models weights-${DEFAULT_MODEL_ID}`)
    await project.succeed(['down', '--stack', 'prod', '--yes', '--purge'])
    expect(await claims()).toBe('models')
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
