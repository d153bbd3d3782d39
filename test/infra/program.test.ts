import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CUDA_IMAGE, POOLS_STACK } from '../helpers/pool-stacks.ts'
import { runProgram, type ProgramRun } from '../helpers/pulumi-monitor.ts'

const image = `registry.example/serantau/server@sha256:${'a'.repeat(64)}`
const kubeconfig = (contexts: readonly string[]) => `apiVersion: v1
kind: Config
clusters:
${contexts.map((name) => `- { name: ${name}, cluster: { server: 'https://${name}.example:6443' } }`).join('\n')}
users:
- { name: someone, user: { token: none } }
contexts:
${contexts.map((name) => `- { name: ${name}, context: { cluster: ${name}, user: someone } }`).join('\n')}
current-context: other
`

describe('the program, loaded as plain `pulumi up` loads it', () => {
  let folder: string
  let config: Record<string, string>
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'serantau-program-'))
    const path = join(folder, 'kubeconfig')
    await writeFile(path, kubeconfig(['gov', 'other']))
    config = {
      'serantau:jurisdiction': JSON.stringify({ country: 'MY', regions: ['my-1'] }),
      'serantau:cluster': JSON.stringify({ kind: 'existing', context: 'gov', kubeconfig: path }),
      'serantau:image': image,
      'serantau:storageClass': 'fast',
      'serantau:acceptedLicences': JSON.stringify(['gemma']),
      'serantau:keys': JSON.stringify([{ name: 'portal', sha256: 'b'.repeat(64), tenant: 'land' }]),
      'serantau:models': JSON.stringify([
        {
          id: 'smollm2-135m-instruct',
          weights: { from: 'url', url: 'https://files.example/m.gguf' },
        },
        { id: 'gemma-3-270m', weights: { from: 'pvc', claim: 'models', path: 'gemma.gguf' } },
      ]),
    }
  })
  afterAll(() => rm(folder, { recursive: true }))

  const named = (run: ProgramRun, type: string) => run.resources.filter((row) => row.type === type)

  test('registers the whole deployment with nothing but @pulumi/kubernetes and our components', async () => {
    const run = await runProgram(config)
    expect(run.output).toBe('')
    expect(run.status).toBe(0)
    const types = new Set(run.resources.map((row) => row.type))
    const foreign = [...types].filter(
      (type) =>
        !/^(kubernetes:|pulumi:providers:kubernetes$|pulumi:pulumi:Stack$|serantau:)/.test(type),
    )
    expect(foreign).toEqual([])
    expect(
      named(run, 'kubernetes:helm.sh/v4:Chart')
        .map((row) => row.name)
        .sort(),
    ).toEqual(['gateway', 'model-gemma-3-270m', 'model-smollm2-135m-instruct'])
    expect(named(run, 'kubernetes:core/v1:Namespace')[0]?.inputs).toMatchObject({
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    })
  })

  test('uses the named context and never the current one', async () => {
    const run = await runProgram(config)
    const [provider] = named(run, 'pulumi:providers:kubernetes')
    expect(provider?.inputs).toMatchObject({ context: 'gov' })
  })

  test('makes a claim of the storage class for weights by URL, and none for a claim that is there', async () => {
    const run = await runProgram(config)
    const claims = named(run, 'kubernetes:core/v1:PersistentVolumeClaim')
    expect(claims.map((row) => row.name)).toEqual(['weights-smollm2-135m-instruct'])
    expect(claims[0]?.inputs).toMatchObject({ spec: { storageClassName: 'fast' } })
  })

  test('asks for a volume that several nodes can mount when a model has replicas', async () => {
    const [model] = JSON.parse(config['serantau:models'] ?? '[]') as object[]
    const models = JSON.stringify([{ ...model, replicas: 2 }])
    const run = await runProgram({ ...config, 'serantau:models': models })
    const [claim] = named(run, 'kubernetes:core/v1:PersistentVolumeClaim')
    expect(claim?.inputs).toMatchObject({ spec: { accessModes: ['ReadWriteMany'] } })
  })

  test('keeps the same stack outputs whatever the cluster', async () => {
    const run = await runProgram(config)
    expect(run.outputs).toMatchObject({
      endpoint: 'http://gateway.serantau.svc:8080/v1',
      jurisdiction: { country: 'MY', regions: ['my-1'] },
      nodePools: [],
      models: [{ id: 'smollm2-135m-instruct' }, { id: 'gemma-3-270m', licence: 'gemma' }],
    })
  })

  describe('with pools of nodes', () => {
    const pooled = () => ({
      ...config,
      'serantau:jurisdiction': JSON.stringify(POOLS_STACK.jurisdiction),
      'serantau:acceleratorImages': JSON.stringify(POOLS_STACK.acceleratorImages),
      'serantau:nodePools': JSON.stringify(POOLS_STACK.nodePools),
      'serantau:models': JSON.stringify(POOLS_STACK.models),
    })

    test('makes the pools first, and places every pod on nodes of its pool inside', async () => {
      const run = await runProgram(pooled(), { SERANTAU_RENDER_ONLY: '1' })
      expect(run.output).toBe('')
      const objects = run.resources.filter(({ type }) => /karpenter|cluster\.x-k8s/.test(type))
      expect(objects.map(({ type, name }) => `${type} ${name}`).sort()).toEqual([
        'kubernetes:cluster.x-k8s.io/v1beta2:MachineDeployment MachineDeployment-h100-ap-southeast-5a',
        'kubernetes:cluster.x-k8s.io/v1beta2:MachineDeployment MachineDeployment-h100-ap-southeast-5b',
        'kubernetes:cluster.x-k8s.io/v1beta2:MachineHealthCheck MachineHealthCheck-h100',
        'kubernetes:karpenter.sh/v1:NodePool l40s',
      ])
      const charts = named(run, 'kubernetes:helm.sh/v4:Chart')
      const values = (name: string) => charts.find((chart) => chart.name === name)?.inputs['values']
      expect(values('model-qwen3-32b')).toMatchObject({
        image: CUDA_IMAGE,
        priorityClassName: 'serantau-serantau',
        tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }],
        resources: { accelerator: { resource: 'nvidia.com/gpu', count: 1 } },
        config: { model: { gpu: true } },
      })
      expect(values('model-smollm2-135m-instruct')).toMatchObject({ image })
      expect(JSON.stringify(values('gateway'))).toContain('node-restriction')
      expect(run.outputs['nodePools']).toEqual([
        {
          ...{ name: 'l40s', provisioner: 'karpenter', accelerator: 'nvidia-l40s', min: 0, max: 4 },
          zones: ['ap-southeast-5a', 'ap-southeast-5b'],
        },
        {
          ...{ name: 'h100', provisioner: 'cluster-api', accelerator: 'nvidia-h100' },
          ...{ min: 1, max: 5, zones: ['ap-southeast-5a', 'ap-southeast-5b'] },
        },
        { name: 'rack', provisioner: 'existing', accelerator: 'cpu', zones: [] },
      ])
    })

    test('a cluster that does not answer is told before any object of a pool', async () => {
      const run = await runProgram(pooled())
      expect(run.status).not.toBe(0)
      expect(run.output).toMatch(/serantau:cluster\.context: expected context gov to answer, got /)
      expect(run.resources.some(({ type }) => /karpenter|Chart/.test(type))).toBe(false)
    })
  })

  test('a context that the kubeconfig lacks is named, with those that are there', async () => {
    const cluster = { ...JSON.parse(config['serantau:cluster'] ?? '{}'), context: 'prod' }
    const run = await runProgram({ ...config, 'serantau:cluster': JSON.stringify(cluster) })
    expect(run.status).not.toBe(0)
    expect(run.output).toContain('serantau:cluster.context: expected one of gov, other, got "prod"')
    // For the user, not for us: no stack.
    expect(run.output).not.toMatch(/\n\s+at /)
    expect(run.resources.filter((row) => row.type !== 'pulumi:pulumi:Stack')).toEqual([])
  })

  test('a local stack whose cluster is down says to run `npm run up`', async () => {
    const run = await runProgram(
      { ...config, 'serantau:cluster': JSON.stringify({ kind: 'local', name: 'never-started' }) },
      { SERANTAU_HOME: join(folder, 'home'), SERANTAU_RENDER_ONLY: '0' },
    )
    expect(run.status).not.toBe(0)
    expect(run.output).toContain('run `npm run up`')
  })

  test('a wrong stack file registers nothing', async () => {
    const run = await runProgram({ ...config, 'serantau:modles': '1' })
    expect(run.output).toContain('serantau:modles: expected no such key')
    expect(run.resources.filter((row) => row.type !== 'pulumi:pulumi:Stack')).toEqual([])
  })
})
