import { describe, expect, test } from 'vitest'
import { parseStackFile, resolveModels } from '../../catalog/index.ts'
import {
  CLUSTER_API_POOL,
  EXISTING_POOL,
  KARPENTER_POOL,
  POOLS_STACK,
} from '../helpers/pool-stacks.ts'

const resolve = (changed: object) => resolveModels(parseStackFile({ ...POOLS_STACK, ...changed }))
const withPool = (pool: object) => ({
  nodePools: [pool],
  models: [{ ...POOLS_STACK.models[0], pool: (pool as { name: string }).name }],
})

test('each model knows its pool', () => {
  expect(resolve({}).map(({ pool }) => pool?.name)).toEqual(['l40s', 'rack'])
})

describe('what is refused, by path and with the fix', () => {
  test.each<[string, object, RegExp]>([
    [
      'a region abroad',
      { jurisdiction: { country: 'MY', regions: ['ap-southeast-5', 'ap-southeast-1'] } },
      /jurisdiction\.regions\[1\]: expected a region inside MY, got "ap-southeast-1", which lies in SG\. Fix: choose of ap-southeast-5, malaysiawest/,
    ],
    [
      'a zone of the jurisdiction that lies abroad',
      { jurisdiction: { country: 'MY', zones: ['ap-southeast-5a', 'us-east-1a'] } },
      /jurisdiction\.zones\[1\]: expected a zone inside MY, got "us-east-1a", which lies in US/,
    ],
    [
      'a pool in a zone of another country',
      withPool({ ...KARPENTER_POOL, zones: ['ap-southeast-1a'] }),
      /nodePools\[0\]\.zones: expected zones of the jurisdiction MY \(a zone of ap-southeast-5\), got "ap-southeast-1a"/,
    ],
    [
      'a zone whose name merely begins like one inside',
      withPool({ ...KARPENTER_POOL, zones: ['ap-southeast-55'] }),
      /nodePools\[0\]\.zones/,
    ],
    [
      'a zone that the jurisdiction does not list',
      {
        ...withPool(KARPENTER_POOL),
        jurisdiction: { country: 'MY', regions: ['ap-southeast-5'], zones: ['ap-southeast-5a'] },
      },
      /nodePools\[0\]\.zones: expected zones of the jurisdiction MY \(ap-southeast-5a\), got "ap-southeast-5b"/,
    ],
    [
      'Karpenter without a region or zone to stay in',
      {
        ...withPool({ ...KARPENTER_POOL, zones: [] }),
        jurisdiction: { country: 'MY', regions: [] },
      },
      /jurisdiction\.regions: expected the regions of your provider inside MY/,
    ],
    [
      'min above max',
      withPool({ ...CLUSTER_API_POOL, min: 6 }),
      /nodePools\[0\]\.min: expected <= max, 5, got 6/,
    ],
    ['a negative count', withPool({ ...CLUSTER_API_POOL, min: -1 }), /min: expected number >= 0/],
    ['a fractional count', withPool({ ...CLUSTER_API_POOL, max: 1.5 }), /max: expected int/],
    [
      'nodes that are always there, of Karpenter',
      withPool({ ...KARPENTER_POOL, min: 1 }),
      /nodePools\[0\]\.min: expected one of 0, got 1/,
    ],
    [
      'an accelerator without a profile',
      withPool({ ...KARPENTER_POOL, accelerator: 'nvidia-rtx-9999' }),
      /nodePools\[0\]\.accelerator: expected one of "cpu"/,
    ],
    [
      'Ascend',
      withPool({ ...KARPENTER_POOL, accelerator: 'huawei-ascend-910b' }),
      /nodePools\[0\]\.accelerator: expected an accelerator that the engine runs on, got Huawei Ascend 910B: .*another engine/i,
    ],
    [
      'a slice that the card lacks',
      withPool({ ...CLUSTER_API_POOL, slice: '9g.900gb' }),
      /nodePools\[0\]\.slice: expected one of 1g\.10gb.*got "9g\.900gb"/,
    ],
    [
      'a slice of a card that cannot be partitioned',
      withPool({ ...KARPENTER_POOL, slice: '1g.10gb' }),
      /nodePools\[0\]\.slice: expected nothing: NVIDIA L40S cannot be partitioned/,
    ],
    [
      'a claim for a slice',
      withPool({ ...CLUSTER_API_POOL, slice: '1g.10gb', dra: true }),
      /nodePools\[0\]\.dra: expected false beside slice/,
    ],
    [
      'CPU nodes of Karpenter without their size',
      withPool({ ...KARPENTER_POOL, accelerator: 'cpu', cards: 1 }),
      /nodePools\[0\]\.nodeCpus/,
    ],
    [
      'a name twice',
      { nodePools: [...POOLS_STACK.nodePools, KARPENTER_POOL] },
      /nodePools\[3\]\.name: expected each name once, got "l40s" a second time/,
    ],
    [
      'two pools of the same nodes',
      {
        nodePools: [
          ...POOLS_STACK.nodePools,
          { ...EXISTING_POOL, name: 'other', nodeLabels: { gpu: 'yes' } },
        ],
      },
      /nodePools\[3\]\.nodeLabels: expected labels or zones that no node of "rack" can have/,
    ],
    [
      'a model without a pool beside pools',
      { models: [{ ...POOLS_STACK.models[0], pool: undefined }] },
      /models\[0\]\.pool: expected one of l40s, h100, rack, got nothing/,
    ],
    [
      'a pool that is not there',
      { models: [{ ...POOLS_STACK.models[0], pool: 'a100' }] },
      /models\[0\]\.pool: expected one of l40s, h100, rack, got "a100"/,
    ],
    [
      'a pool where there are none',
      { nodePools: [] },
      /models\[0\]\.pool: expected nothing without nodePools, got "l40s"/,
    ],
    [
      'an accelerator without its image',
      { acceleratorImages: {} },
      /acceleratorImages\.cuda: expected the server image for pool "l40s".*--accelerator cuda/,
    ],
  ])('%s', (_, changed, told) => {
    expect(() => resolve(changed)).toThrow(told)
  })
})

test('pools that one label tells apart may both be there', () => {
  const other = { ...EXISTING_POOL, name: 'other', nodeLabels: { rack: 'r2' } }
  expect(resolve({ nodePools: [...POOLS_STACK.nodePools, other] })).toHaveLength(2)
})

test('a region that is not known is believed, and any is where the country is not stated', () => {
  expect(() =>
    resolve({ jurisdiction: { country: 'MY', regions: ['ap-southeast-5', 'sarawak-1'] } }),
  ).not.toThrow()
  expect(() =>
    resolve({ jurisdiction: { country: 'ZZ', regions: ['ap-southeast-5', 'ap-southeast-1'] } }),
  ).not.toThrow()
})

test('weights that a card holds need no memory of the pod, those on CPU nodes do', () => {
  const memory = (pool: string) => () =>
    resolve({ models: [{ ...POOLS_STACK.models[0], pool, memory: '2Gi' }] })
  expect(memory('l40s')).not.toThrow()
  expect(memory('rack')).toThrow(/models\[0\]\.memory: expected at least \d+Mi/)
})
