import { expect, test } from 'vitest'
import { ACCELERATORS } from '../../../catalog/accelerators/index.ts'
import { parseStackFile } from '../../../catalog/index.ts'
import { clusterApiObjects } from '../../../infra/nodes/cluster-api.ts'
import { karpenterNodePool } from '../../../infra/nodes/karpenter.ts'
import type { PoolOf } from '../../../infra/nodes/provisioner.ts'
import { CLUSTER_API_POOL, KARPENTER_POOL, POOLS_STACK } from '../../helpers/pool-stacks.ts'

function parsed<Kind extends 'karpenter' | 'cluster-api'>(pool: object) {
  const stack = parseStackFile({ ...POOLS_STACK, nodePools: [pool] })
  return stack.nodePools[0] as PoolOf<Kind>
}
const jurisdiction = { country: 'MY', regions: ['ap-southeast-5'], zones: [] }

test('Karpenter may make nodes with the card, in the zones, up to the number of cards', () => {
  const pool = parsed<'karpenter'>(KARPENTER_POOL)
  expect(karpenterNodePool(pool, ACCELERATORS['nvidia-l40s'], jurisdiction)).toEqual({
    apiVersion: 'karpenter.sh/v1',
    kind: 'NodePool',
    metadata: { name: 'l40s' },
    spec: {
      limits: { 'nvidia.com/gpu': '8' },
      disruption: {
        consolidationPolicy: 'WhenEmpty',
        consolidateAfter: '10m',
        budgets: [
          { nodes: '1', reasons: ['Drifted', 'Underutilized'] },
          { nodes: '100%', reasons: ['Empty'] },
        ],
      },
      template: {
        metadata: {
          labels: {
            'serantau.node-restriction.kubernetes.io/jurisdiction': 'MY',
            'serantau.node-restriction.kubernetes.io/pool': 'l40s',
          },
        },
        spec: {
          nodeClassRef: { group: 'karpenter.k8s.aws', kind: 'EC2NodeClass', name: 'gpu' },
          expireAfter: '720h',
          taints: [{ key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' }],
          requirements: [
            { key: 'karpenter.sh/capacity-type', operator: 'In', values: ['on-demand'] },
            { key: 'kubernetes.io/arch', operator: 'In', values: ['amd64'] },
            { key: 'topology.kubernetes.io/region', operator: 'In', values: ['ap-southeast-5'] },
            {
              key: 'topology.kubernetes.io/zone',
              operator: 'In',
              values: ['ap-southeast-5a', 'ap-southeast-5b'],
            },
          ],
        },
      },
    },
  })
})

test('CPU nodes of Karpenter are bounded by their CPUs', () => {
  const pool = parsed<'karpenter'>({ ...KARPENTER_POOL, accelerator: 'cpu', nodeCpus: 16 })
  const { spec } = karpenterNodePool(pool, ACCELERATORS.cpu, jurisdiction)
  expect(spec.limits).toEqual({ cpu: '64' })
  expect(spec.template.spec.taints).toEqual([])
})

test('Cluster API gets a deployment a zone, whose bounds add up, and one health check', () => {
  const pool = parsed<'cluster-api'>({ ...CLUSTER_API_POOL, min: 1, max: 5 })
  const objects = clusterApiObjects(pool, ACCELERATORS['nvidia-h100'], jurisdiction)
  expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    'MachineDeployment h100-ap-southeast-5a',
    'MachineDeployment h100-ap-southeast-5b',
    'MachineHealthCheck h100',
  ])
  const bounds = objects.flatMap(({ metadata }) =>
    'annotations' in metadata ? [Object.values(metadata.annotations)] : [],
  )
  expect(bounds).toEqual([
    ['1', '3'],
    ['0', '2'],
  ])
})

test('between its bounds the autoscaler owns the replicas; equal bounds are the replicas', () => {
  const replicas = (bounds: object) =>
    clusterApiObjects(
      parsed<'cluster-api'>({ ...CLUSTER_API_POOL, zones: ['ap-southeast-5a'], ...bounds }),
      ACCELERATORS['nvidia-h100'],
      jurisdiction,
    ).flatMap(({ spec }) => ('template' in spec ? [spec.replicas] : []))
  expect(replicas({ min: 1, max: 5 })).toEqual([undefined])
  expect(replicas({ min: 3, max: 3 })).toEqual([3])
})
