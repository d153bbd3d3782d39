import fc from 'fast-check'
import { IMAGE } from './stacks.ts'

const digest = (digit: string) => digit.repeat(64)
export const CUDA_IMAGE = `registry.example/serantau/server@sha256:${digest('2')}`

export const KARPENTER_POOL = {
  name: 'l40s',
  provisioner: 'karpenter',
  accelerator: 'nvidia-l40s',
  cards: 2,
  max: 4,
  zones: ['ap-southeast-5a', 'ap-southeast-5b'],
  nodeClassRef: { group: 'karpenter.k8s.aws', kind: 'EC2NodeClass', name: 'gpu' },
}

export const CLUSTER_API_POOL = {
  name: 'h100',
  provisioner: 'cluster-api',
  accelerator: 'nvidia-h100',
  cards: 8,
  min: 1,
  max: 5,
  cluster: 'gov',
  version: 'v1.34.4',
  zones: ['ap-southeast-5a', 'ap-southeast-5b'],
  infrastructureRef: {
    group: 'infrastructure.cluster.x-k8s.io',
    kind: 'OpenStackMachineTemplate',
    name: 'gpu',
  },
  bootstrapRef: {
    group: 'bootstrap.cluster.x-k8s.io',
    kind: 'KubeadmConfigTemplate',
    name: 'gpu',
  },
}

export const EXISTING_POOL = {
  name: 'rack',
  provisioner: 'existing',
  accelerator: 'cpu',
  nodeLabels: { rack: 'r1' },
}

export const weights = {
  from: 'pvc',
  claim: 'w',
  path: 'a.gguf',
  bytes: 19_800_000_000,
  sha256: digest('3'),
}

/** A ministry with pools of three kinds and two models. */
export const POOLS_STACK = {
  jurisdiction: { country: 'MY', regions: ['ap-southeast-5'] },
  cluster: { kind: 'existing', context: 'gov' },
  image: IMAGE,
  acceleratorImages: { cuda: CUDA_IMAGE },
  nodePools: [KARPENTER_POOL, CLUSTER_API_POOL, EXISTING_POOL],
  models: [
    { id: 'qwen3-32b', pool: 'l40s', replicas: 2, memory: '40Gi', contextSize: 8192, weights },
    {
      id: 'smollm2-135m-instruct',
      pool: 'rack',
      weights: { from: 'pvc', claim: 'w', path: 'smol.gguf' },
    },
  ],
}

const ACCELERATORS = [
  ...['cpu', 'nvidia-t4', 'nvidia-l40s', 'nvidia-h100', 'nvidia-gb200'],
  ...['intel-arc-pro-b60', 'huawei-ascend-910b', 'amd-mi300x', 'nvidia-rtx-9999'],
]
/** Inside Malaysia, abroad, and what only looks like one of the others. */
const REGIONS = ['ap-southeast-5', 'malaysiawest', 'my-central-1', 'ap-southeast-1', 'asia-east1']
const ZONES = [
  ...['ap-southeast-5a', 'ap-southeast-5b', 'malaysiawest-1', 'my-central-1-a'],
  ...['ap-southeast-1a', 'ap-southeast-55', 'asia-east1-b', 'ap-southeast-5ab', 'kl-1', ''],
]

const some = <T>(values: readonly T[], maxLength = 3) =>
  fc.uniqueArray(fc.constantFrom(...values), { maxLength })
const maybe = <T>(key: string, arbitrary: fc.Arbitrary<T>) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: arbitrary.map((value) => ({ [key]: value })) },
  )
/** Mostly of the first, so that many stack files are right in all but one thing or in everything. */
const mostly = <T>(right: readonly T[], any: readonly T[]) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...right) },
    { weight: 1, arbitrary: fc.constantFrom(...any) },
  )

const zoneList = fc.oneof(
  { weight: 4, arbitrary: some(ZONES.slice(0, 2)) },
  { weight: 1, arbitrary: some(ZONES) },
)

const pool = fc
  .tuple(
    fc.constantFrom<object>(KARPENTER_POOL, CLUSTER_API_POOL, EXISTING_POOL),
    fc.constantFrom('a', 'b', 'c'),
    mostly(['nvidia-l40s', 'nvidia-h100'], ACCELERATORS),
    mostly([1, 2, 8], [4, 3]),
    zoneList.map((zones) => ({ zones })),
    maybe('min', fc.constantFrom(0, 1, 3, -1, 0.5)),
    maybe('slice', fc.constantFrom('1g.10gb', '7g.80gb', '9g.900gb')),
    maybe('nodeCpus', fc.constant(8)),
    maybe('nodeLabels', fc.constantFrom({}, { rack: 'r1' }, { rack: 'r2' })),
  )
  .map(([base, name, accelerator, cards, ...rest]) => {
    const all = Object.assign({ ...base, name, accelerator, cards }, ...rest) as Record<
      string,
      unknown
    >
    const existing = all['provisioner'] === 'existing'
    const foreign = existing ? ['min', 'nodeCpus'] : ['nodeLabels']
    if (all['provisioner'] === 'cluster-api') foreign.push('nodeCpus')
    return Object.fromEntries(Object.entries(all).filter(([key]) => !foreign.includes(key)))
  })

/** Stack files with pools, right and wrong ones; a good part of them is accepted. */
export const poolStacks = fc
  .tuple(
    mostly(['MY'], ['SG', 'ZZ']),
    fc.oneof(
      { weight: 3, arbitrary: fc.constant(['ap-southeast-5']) },
      { weight: 1, arbitrary: some(REGIONS, 2) },
    ),
    zoneList,
    fc.array(pool, { minLength: 1, maxLength: 2 }),
    mostly(['a'], ['b', 'c']),
    fc.constantFrom('qwen3-32b', 'smollm2-135m-instruct'),
  )
  .map(([country, regions, zones, nodePools, chosen, id]) => ({
    ...POOLS_STACK,
    jurisdiction: { country, regions, zones },
    acceleratorImages: { cuda: CUDA_IMAGE, vulkan: CUDA_IMAGE },
    nodePools,
    models: [
      {
        ...{ id, pool: chosen, memory: '40Gi' },
        weights: id === 'qwen3-32b' ? weights : { from: 'pvc', claim: 'w', path: 'smol.gguf' },
      },
    ],
  }))
