import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KitError, parseStackFile, resolveModels } from '../../../catalog/index.ts'
import { assignModels } from '../../../infra/nodes/assign.ts'
import { placedOutside } from '../../helpers/placed-outside.ts'
import {
  CLUSTER_API_POOL,
  KARPENTER_POOL,
  POOLS_STACK,
  poolStacks,
} from '../../helpers/pool-stacks.ts'

function assign(changed: object) {
  const stack = parseStackFile({ ...POOLS_STACK, ...changed })
  return assignModels(resolveModels(stack), stack.jurisdiction)
}
const [qwen, smol] = POOLS_STACK.models

test('a replica asks for as few cards as hold it, on nodes of its pool inside the jurisdiction', () => {
  const placed = assign({ models: [{ ...qwen, contextSize: 2048 }, smol] }).get('qwen3-32b')
  expect(placed).toEqual({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                {
                  key: 'serantau.node-restriction.kubernetes.io/jurisdiction',
                  operator: 'In',
                  values: ['MY'],
                },
                {
                  key: 'serantau.node-restriction.kubernetes.io/pool',
                  operator: 'In',
                  values: ['l40s'],
                },
                {
                  key: 'topology.kubernetes.io/zone',
                  operator: 'In',
                  values: ['ap-southeast-5a', 'ap-southeast-5b'],
                },
              ],
            },
          ],
        },
      },
    },
    tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
    runtimeClassName: undefined,
    accelerator: { resource: 'nvidia.com/gpu', count: 1 },
  })
  const longer = assign({ models: [{ ...qwen, contextSize: 32_768, slots: 4 }, smol] })
  expect(longer.get('qwen3-32b')?.accelerator).toMatchObject({ count: 2 })
  expect(longer.get('smollm2-135m-instruct')).toMatchObject({
    ...{ accelerator: undefined, tolerations: [] },
  })
})

test('a slice of a card is asked for by its own resource, a claim by its device class', () => {
  const model = { ...smol, pool: 'h100' }
  const asked = (pool: object) =>
    assign({ nodePools: [{ ...CLUSTER_API_POOL, ...pool }], models: [model] }).get(
      'smollm2-135m-instruct',
    )
  expect(asked({ slice: '1g.10gb' })?.accelerator).toEqual({
    ...{ resource: 'nvidia.com/mig-1g.10gb', count: 1 },
  })
  expect(asked({ dra: true })?.accelerator).toEqual({ deviceClass: 'gpu.nvidia.com', count: 1 })
  expect(asked({ runtimeClass: 'nvidia' })?.runtimeClassName).toBe('nvidia')
})

test('a model that its pool cannot hold is refused, with what would fit and which card would hold it', () => {
  const models = [{ ...qwen, contextSize: 40_960, slots: 16 }, smol]
  const told =
    /models\[0\]\.pool: expected qwen3-32b Q4_K_M with 16 slots of 40960 tokens to fit 2 x NVIDIA L40S of a node, pool "l40s", got [\d.]+ GiB on the fullest card\. Fix: set contextSize: 16384, or set cacheType: q4_0, or set slots: \d+, or a pool of \d x nvidia-[a-z0-9-]+ \(or of /
  expect(() => assign({ models })).toThrow(told)
  expect(() => assign({ models })).toThrow(expect.objectContaining({ code: 'MODEL_TOO_BIG' }))
})

test('what it says would fit does fit', () => {
  for (const change of [{ contextSize: 16_384 }, {}]) {
    const refused = () =>
      assign({ models: [{ ...qwen, contextSize: 40_960, slots: 16, ...change }, smol] })
    if ('contextSize' in change) expect(refused).not.toThrow()
    else expect(refused).toThrow(KitError)
  }
})

test('a slice holds what fits it, not what fits the card', () => {
  const pool = { ...CLUSTER_API_POOL, slice: '1g.10gb' }
  const models = [{ ...qwen, pool: 'h100' }]
  expect(() => assign({ nodePools: [pool], models })).toThrow(/to fit 1g\.10gb of NVIDIA H100/)
})

test('replicas for which the pool has too few cards are refused with the number of nodes', () => {
  const models = [{ ...qwen, replicas: 9, contextSize: 2048 }, smol]
  expect(() => assign({ models })).toThrow(
    /nodePools "l40s"\.max: expected nodes for 9 cards: qwen3-32b 9 x 1, got 4 nodes of 2\. Fix: set max: 5/,
  )
  expect(() =>
    assign({
      models,
      nodePools: [{ ...KARPENTER_POOL, max: 5 }, ...POOLS_STACK.nodePools.slice(1)],
    }),
  ).not.toThrow()
})

test('whatever stack file is accepted places nothing outside the jurisdiction', () => {
  let accepted = 0
  fc.assert(
    fc.property(poolStacks, (raw) => {
      try {
        expect(placedOutside(raw)).toEqual([])
        accepted += 1
      } catch (error) {
        if (!(error instanceof KitError)) throw error
      }
    }),
    { numRuns: 2000 },
  )
  expect(accepted).toBeGreaterThan(100)
})

test('models that scale share a pool: what is always there must fit at once, the most of each alone', () => {
  const scaled = (min: number, max: number) => ({
    ...qwen,
    contextSize: 2048,
    replicas: { min, max },
  })
  const two = (min: number, max: number) => () =>
    assign({
      models: [scaled(min, max), { ...smol, pool: 'l40s', replicas: { min, max } }],
    })
  expect(two(0, 8)).not.toThrow()
  expect(two(5, 8)).toThrow(/nodePools "l40s"\.max: expected nodes for 10 cards/)
  expect(two(0, 9)).toThrow(/nodePools "l40s"\.max: expected nodes for 9 cards/)
})
