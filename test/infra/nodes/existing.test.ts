import type { V1Node } from '@kubernetes/client-node'
import { expect, test } from 'vitest'
import { ACCELERATORS } from '../../../catalog/accelerators/index.ts'
import type { ExistingPool } from '../../../catalog/node-pool.ts'
import { nodesProblem } from '../../../infra/nodes/existing.ts'

const LABEL = 'serantau.node-restriction.kubernetes.io/jurisdiction'
const ZONE = 'topology.kubernetes.io/zone'
const jurisdiction = { country: 'MY', regions: [], zones: ['kl-1', 'kl-2'] }
const pool: ExistingPool = {
  ...{ name: 'rack', provisioner: 'existing', accelerator: 'nvidia-l40s', cards: 2 },
  ...{ dra: false, zones: ['kl-1'], nodeLabels: { rack: 'r1' } },
}

const node = (labels: Record<string, string>, rest: Partial<V1Node> = {}): V1Node => ({
  metadata: { name: 'n1', labels: { [LABEL]: 'MY', [ZONE]: 'kl-1', ...labels } },
  status: { allocatable: { 'nvidia.com/gpu': '2' } },
  ...rest,
})
const told = (nodes: V1Node[], changed: Partial<ExistingPool> = {}) => {
  const row = ACCELERATORS['nvidia-l40s']
  const problem = nodesProblem({ ...pool, ...changed }, row, jurisdiction, nodes)
  return problem && `${problem.got} -> ${problem.fix}`
}

test('one node that can serve is enough', () => {
  expect(told([node({ [LABEL]: 'SG' }), node({})])).toBeUndefined()
})

test.each<[string, V1Node[], RegExp]>([
  ['no node has the labels', [], /\{"rack":"r1"\}: no node -> correct the labels/],
  ['a node abroad', [node({ [LABEL]: 'SG' })], /n1 is labelled SG -> .*kubectl label node n1/],
  ['another zone', [node({ [ZONE]: 'kl-2' })], /n1 lies in zone kl-2 -> add the zone/],
  ['cordoned', [node({}, { spec: { unschedulable: true } })], /n1 is cordoned -> kubectl uncordon/],
  [
    'no driver',
    [node({}, { status: { allocatable: { cpu: '8' } } })],
    /n1 has no nvidia\.com\/gpu -> install the driver/,
  ],
])('%s: named with its fix', (_, nodes, wanted) => {
  expect(told(nodes)).toMatch(wanted)
})

test('a node without the label says no jurisdiction', () => {
  const unlabelled = node({})
  delete unlabelled.metadata!.labels![LABEL]
  expect(told([unlabelled])).toMatch(/n1 says no jurisdiction/)
})

test('a zone outside is refused where the pool names none', () => {
  expect(told([node({ [ZONE]: 'sg-1' })], { zones: [] })).toMatch(/outside the jurisdiction/)
})
