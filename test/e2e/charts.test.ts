import { createHash } from 'node:crypto'
import { link, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { BASE_MODELS, DEFAULT_MODEL_ID, knownFile } from '../../catalog/index.ts'
import {
  importImage,
  startCluster,
  stopCluster,
  weightsFolder,
  type LocalCluster,
} from '../../infra/local/cluster.ts'
import { run } from '../../infra/local/command.ts'
import { buildImage } from '../../infra/local/image.ts'
import { weightsStore } from '../../infra/local/paths.ts'
import { ensureTool } from '../../infra/local/toolchain.ts'
import { ensureWeights } from '../../weights/fetch.ts'
import { chartCases } from '../helpers/chart-cases.ts'
import { Helm, type KubernetesObject } from '../helpers/helm.ts'
import { tellPodsOfFailed } from '../helpers/tell-pods.ts'

const CLUSTER = 'charts-test'
const NAMESPACE = 'ai'
const KEY = 'charts-test-key'
const quiet = () => undefined
const base = BASE_MODELS[DEFAULT_MODEL_ID]!
const file = knownFile(base)
const OPTIONS = ['--namespace', NAMESPACE, '--timeout', '120s']

/** What a cluster's people prepare: a namespace that enforces, a Secret, a volume with the weights. */
const prepared = (path: string) => [
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  },
  // The program makes it beside pools of nodes.
  {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'serantau-serantau' },
    value: 100_000,
  },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'serantau-keys', namespace: NAMESPACE },
    stringData: {
      'keys.json': JSON.stringify({
        keys: [{ name: 'portal', sha256: createHash('sha256').update(KEY).digest('hex') }],
      }),
    },
  },
  {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'models' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadOnlyMany'],
      storageClassName: '',
      hostPath: { path, type: 'Directory' },
      claimRef: { namespace: NAMESPACE, name: 'models' },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'models', namespace: NAMESPACE },
    spec: {
      accessModes: ['ReadOnlyMany'],
      storageClassName: '',
      resources: { requests: { storage: '1Gi' } },
    },
  },
]

describe('the charts on a real cluster, without Pulumi', () => {
  let home: string
  let cluster: LocalCluster
  let helm: Helm
  let kubernetes: string
  let values: { model: object; gateway: object }

  const kubectl = (args: string[], input?: object[]) => {
    const context = ['--kubeconfig', cluster.kubeconfig, '--context', cluster.context]
    const list = { apiVersion: 'v1', kind: 'List', items: input }
    return run(kubernetes, ['kubectl', ...context, ...args], {
      env: { ...process.env, HOME: home },
      ...(input ? { input: JSON.stringify(list) } : {}),
    })
  }
  const get = async (kind: string, ...path: string[]): Promise<string> =>
    (await kubectl(['--namespace', NAMESPACE, 'get', kind, ...path])).trim()

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'serantau-charts-'))
    vi.stubEnv('SERANTAU_HOME', home)
    kubernetes = await ensureTool('kubernetes', quiet)
    const image = await buildImage(quiet)
    const weights = await ensureWeights(file, weightsStore(), quiet)
    cluster = await startCluster(CLUSTER, quiet)
    await importImage(cluster, image.archive, image.name)
    await mkdir(join(weightsFolder(CLUSTER), 'sha256'), { recursive: true })
    await link(weights, join(weightsFolder(CLUSTER), 'sha256', `${file.sha256}.gguf`))
    helm = await Helm.create(cluster)
    await kubectl(['apply', '-f', '-'], prepared(cluster.nodeWeightsFolder))

    const common = {
      image: `${image.name}@${image.digest}`,
      keys: { existingSecret: 'serantau-keys' },
      preStopSeconds: 1,
    }
    const served = { id: base.id, digest: file.sha256, licence: base.licence.id }
    values = {
      model: {
        ...common,
        config: {
          model: {
            ...served,
            file: `/weights/sha256/${file.sha256}.gguf`,
            contextSize: 512,
            slots: 2,
            chat: true,
          },
        },
        weights: { bytes: file.bytes, existingClaim: 'models' },
        // Less than a core: the one thread of the engine is stopped again and again, and must not spin.
        resources: { cpu: 0.5, cpuRequest: '50m', memory: '1Gi' },
      },
      gateway: {
        ...common,
        config: { models: [{ ...served, url: 'http://m-model-server:8080' }] },
        expose: { kind: 'clusterIP', allowFrom: { cidrs: [`${cluster.hostAddress}/32`] } },
      },
    }
  })
  afterAll(async () => {
    await stopCluster(CLUSTER, quiet)
    await (helm as Helm | undefined)?.remove()
    await rm(home, { recursive: true, force: true })
    vi.unstubAllEnvs()
  })
  tellPodsOfFailed(() => cluster.kubeconfig)

  test.each(chartCases())(
    'the API server takes every object of $chart, and its pods under Pod Security restricted: $name',
    async ({ chart, values: rendered }) => {
      const objects = await helm.template(chart, NAMESPACE, rendered)
      // Neither the Gateway API nor KEDA is part of Kubernetes itself.
      const known = objects.filter(
        ({ apiVersion }) => !/^(gateway\.networking|keda\.sh)/.test(apiVersion),
      )
      const dryRun = ['--namespace', NAMESPACE, 'create', '--dry-run=server', '-f', '-']
      await kubectl(dryRun, [...known, ...podsOf(objects)])
    },
  )

  test('the same check refuses a pod that may become root', async () => {
    const objects = await helm.template('gateway', NAMESPACE, chartCases()[0]!.values)
    const [pod] = podsOf(objects)
    const context = pod!.spec!['securityContext'] as Record<string, unknown>
    context['runAsNonRoot'] = false
    const dryRun = ['--namespace', NAMESPACE, 'create', '--dry-run=server', '-f', '-']
    await expect(kubectl(dryRun, [pod!])).rejects.toThrow(/violates PodSecurity "restricted/)
  })

  test('1. `helm install` with a Secret and a claim that are there ends when both are ready', async () => {
    await helm.run(['install', 'm', 'charts/model-server', '--wait', ...OPTIONS], values.model)
    await helm.run(['install', 'g', 'charts/gateway', '--wait', ...OPTIONS], values.gateway)
    expect(await get('deployments', '-o', 'jsonpath={.items[*].status.readyReplicas}')).toBe('1 1')
  })

  test('2. the engine with code for every CPU serves, not the prebuilt one', async () => {
    const logs = ['logs', 'deployment/m-model-server', '--container', 'server']
    expect(await kubectl(['--namespace', NAMESPACE, ...logs])).toMatch(
      /"event":"engine_ready".*"addon":"compiled for every CPU/,
    )
  })

  test('3. the gateway answers with the key of the Secret, and not without, of a pod with half a core', async () => {
    const address = await get('service', 'g-gateway', '-o', 'jsonpath={.spec.clusterIP}')
    const ask = (apiKey: string) =>
      new OpenAI({ baseURL: `http://${address}:8080/v1`, apiKey, maxRetries: 0 })
    const answer = await ask(KEY).chat.completions.create({
      model: base.id,
      max_tokens: 8,
      messages: [{ role: 'user', content: 'Say hello.' }],
    })
    expect(answer.usage?.completion_tokens).toBeGreaterThan(0)
    await expect(ask('another-key').models.list()).rejects.toMatchObject({ status: 401 })
  })

  test('4. `helm test` passes for both', async () => {
    for (const release of ['m', 'g']) {
      expect(await helm.run(['test', release, ...OPTIONS])).toMatch(/Phase:\s+Succeeded/)
    }
  })

  test('5. `helm upgrade` without a change keeps the pods, a changed config replaces them', async () => {
    const upgrade = (gateway: object) =>
      helm.run(['upgrade', 'g', 'charts/gateway', '--wait', ...OPTIONS], gateway)
    const label = ['-l', 'app.kubernetes.io/name=gateway']
    const newest = [
      '--sort-by=.metadata.creationTimestamp',
      '-o',
      'jsonpath={.items[-1:].metadata.name}',
    ]
    const before = await get('pods', ...label, ...newest)
    await upgrade(values.gateway)
    expect(await get('pods', ...label, ...newest)).toBe(before)
    const { config } = values.gateway as { config: object }
    await upgrade({ ...values.gateway, config: { ...config, limits: { maxStreamsPerKey: 3 } } })
    expect(await get('pods', ...label, ...newest)).not.toBe(before)
  })

  test('6. `helm uninstall` takes all but the claim that the chart made', async () => {
    const own = { ...values.model, weights: { bytes: file.bytes, url: 'https://mirror.example/a' } }
    await helm.run(['install', 'o', 'charts/model-server', ...OPTIONS], own)
    for (const release of ['g', 'm', 'o']) {
      await helm.run(['uninstall', release, '--wait', '--cascade=foreground', ...OPTIONS])
    }
    const kinds = 'deployments,services,configmaps,networkpolicies,poddisruptionbudgets,pods'
    const part = ['-l', 'app.kubernetes.io/part-of=serantau', '-o', 'name']
    expect(await get(kinds, ...part)).toBe('')
    expect(await get('persistentvolumeclaims', ...part)).toBe(
      'persistentvolumeclaim/o-model-server-weights',
    )
  })
})

/** Deployments are taken whatever their pods are: only pods are judged. */
function podsOf(objects: KubernetesObject[]): KubernetesObject[] {
  return objects.flatMap((object) => {
    if (object.kind !== 'Deployment') return []
    const template = structuredClone(object.spec!['template']) as Pick<
      KubernetesObject,
      'metadata' | 'spec'
    >
    // The account is made by the same dry run, so it is not there yet.
    delete template.spec!['serviceAccountName']
    const metadata = { ...template.metadata, name: object.metadata.name }
    return [{ apiVersion: 'v1', kind: 'Pod', metadata, spec: template.spec }]
  })
}
