import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gpuStackProblems } from '../../../catalog/check-gpu-stack.ts'
import { GpuStackSchema, type ChartedGpuStack } from '../../../catalog/gpu-stack.ts'
import { NodePoolSchema } from '../../../catalog/node-pool.ts'
import type { Cluster } from '../../../catalog/stack-file.ts'
import { createGpuStack, gpuStackRelease } from '../../../infra/nodes/gpu-stack.ts'
import { mockClouds, settled } from '../../helpers/cloud-packages.ts'

const operator = GpuStackSchema.parse({
  kind: 'gpu-operator',
  chart: 'oci://registry.example/charts/gpu-operator',
  version: 'v25.10.1',
  values: { driver: { enabled: false } },
}) as ChartedGpuStack
const plugin = GpuStackSchema.parse({
  kind: 'device-plugin',
  chart: 'nvidia-device-plugin',
  repository: 'https://charts.example/nvidia',
  version: '0.18.0',
}) as ChartedGpuStack

const whole = NodePoolSchema.parse({
  ...{ name: 'cards', provisioner: 'existing', accelerator: 'nvidia-h100' },
})
const sliced = NodePoolSchema.parse({ ...whole, name: 'slices', slice: '1g.10gb' })
const spot = NodePoolSchema.parse({
  ...{ name: 'spot', provisioner: 'aks', accelerator: 'nvidia-h100', cluster: 'gov', max: 1 },
  ...{ region: 'malaysiawest', instanceType: 'any', resourceGroup: 'gov', spot: true },
})

const existing: Cluster = { kind: 'existing', context: 'gov' }

describe('the GPU stack', () => {
  let project: string
  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'serantau-gpu-stack-'))
    await writeFile(join(project, 'operator.tgz'), '')
  })
  afterAll(() => rm(project, { recursive: true }))

  test('that is there already makes nothing', async () => {
    const registered = await mockClouds({})
    expect(createGpuStack({ gpuStack: { kind: 'there' }, nodePools: [whole] }, project, {})).toBe(
      undefined,
    )
    expect(registered).toEqual([])
  })

  test('is one release of the chart that the stack file names, whole or taken back', async () => {
    const registered = await mockClouds({})
    createGpuStack({ gpuStack: operator, nodePools: [whole] }, project, {})
    await settled(registered, 1)
    expect(registered).toEqual([
      {
        type: 'kubernetes:helm.sh/v3:Release',
        name: 'gpu-stack',
        inputs: expect.objectContaining({
          name: 'gpu-operator',
          chart: 'oci://registry.example/charts/gpu-operator',
          version: 'v25.10.1',
          namespace: 'gpu-operator',
          createNamespace: true,
          atomic: true,
          skipAwait: false,
          timeout: 1800,
          values: { driver: { enabled: false } },
        }),
      },
    ])
  })

  test('takes a chart by name from the repository that the stack file names, and from no other', () => {
    expect(gpuStackRelease(plugin, [], project)).toMatchObject({
      chart: 'nvidia-device-plugin',
      repositoryOpts: { repo: 'https://charts.example/nvidia' },
      namespace: 'nvidia-device-plugin',
    })
    expect(gpuStackRelease(operator, [], project)).not.toHaveProperty('repositoryOpts')
  })

  test('takes a chart by path from the project folder, and names one that is not there', () => {
    const at = (chart: string) => gpuStackRelease({ ...operator, chart }, [], project).chart
    expect(at('./operator.tgz')).toBe(join(project, 'operator.tgz'))
    expect(() => at('./other.tgz')).toThrow(/gpuStack.chart: .*got nothing at .*other\.tgz/)
  })

  test('announces slices by their own names where a pool has one', () => {
    const values = (stack: ChartedGpuStack, pool = sliced) =>
      gpuStackRelease(stack, [whole, pool], project).values
    expect(values(operator)).toEqual({ mig: { strategy: 'mixed' }, driver: { enabled: false } })
    expect(values(plugin)).toEqual({ migStrategy: 'mixed' })
    expect(values(plugin, whole)).toEqual({})
  })

  test("runs on Azure's spot nodes as well where a pool has them", () => {
    const tolerations = [
      { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' },
      {
        ...{ key: 'kubernetes.azure.com/scalesetpriority', operator: 'Exists' },
        effect: 'NoSchedule',
      },
    ]
    expect(gpuStackRelease(plugin, [spot], project).values).toEqual({ tolerations })
    expect(gpuStackRelease(operator, [spot], project).values).toMatchObject({
      daemonsets: { tolerations },
      'node-feature-discovery': { worker: { tolerations } },
    })
  })

  test("lets the stack file's values win, key by key", () => {
    const values = { mig: { other: 1 }, driver: { version: '580' } }
    expect(gpuStackRelease({ ...operator, values }, [sliced], project).values).toEqual({
      mig: { strategy: 'mixed', other: 1 },
      driver: { version: '580' },
    })
    const own = { tolerations: [] }
    expect(gpuStackRelease({ ...plugin, values: own }, [spot], project).values).toEqual(own)
  })

  type Problems = Parameters<typeof gpuStackProblems>[0]
  const problems = (gpuStack: object, more: Partial<Problems> = {}) =>
    gpuStackProblems({
      ...{ gpuStack: GpuStackSchema.parse(gpuStack), cluster: existing, nodePools: [] },
      provider: undefined,
      ...more,
    })

  test.each([
    ['by an oci address', operator],
    ['by a name in a repository', plugin],
    ['by a path', { ...operator, chart: './charts/gpu-operator' }],
    ['that is there', { kind: 'there' }],
  ])('%s is accepted', (_how, gpuStack) => {
    expect(problems(gpuStack)).toEqual([])
  })

  test.each([
    ['a name without a repository', { ...plugin, repository: undefined }, {}, 'repository'],
    ['an oci address with one', { ...operator, repository: 'https://a.example' }, {}, 'repository'],
    ['the offline provider', operator, { provider: 'offline' as const }, 'kind'],
    ['the embedded cluster', operator, { cluster: { kind: 'local', name: 'a' } as const }, 'kind'],
    [
      'another strategy than slices need',
      { ...operator, values: { mig: { strategy: 'single' } } },
      { nodePools: [sliced] },
      'values.mig.strategy',
    ],
    [
      'another strategy of the plugin than slices need',
      { ...plugin, values: { migStrategy: 'none' } },
      { nodePools: [sliced] },
      'values.migStrategy',
    ],
  ])('with %s is refused by path', (_what, gpuStack, more, path) => {
    expect(problems(gpuStack, more).map((problem) => problem.path)).toEqual([
      `serantau:gpuStack.${path}`,
    ])
  })

  test.each([
    ['a version that may move', { ...operator, version: '^25.0.0' }],
    ['no version', { ...operator, version: undefined }],
    ['a repository without TLS', { ...plugin, repository: 'http://charts.example' }],
    ['no chart', { ...operator, chart: '' }],
    ['a key of another kind', { kind: 'there', chart: 'x' }],
  ])('with %s is no GPU stack', (_what, gpuStack) => {
    expect(GpuStackSchema.safeParse(gpuStack).success).toBe(false)
  })
})
