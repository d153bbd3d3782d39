import { describe, expect, test } from 'vitest'
import { provisioningCauses } from '../../../infra/causes/made-node-causes.ts'
import { nodeCauses } from '../../../infra/causes/node-causes.ts'

const GPU = 'nvidia.com/gpu'
const node = (more: object) => ({
  metadata: { name: 'n1', creationTimestamp: new Date('2026-11-28T10:00:00Z') },
  status: {
    allocatable: { [GPU]: '2' },
    conditions: [{ type: 'Ready', status: 'True' }],
    ...more,
  },
})
const kinds = (of: object) => nodeCauses(of, GPU).map(({ kind }) => kind)

test('a node that serves has no cause', () => {
  expect(kinds(node({}))).toEqual([])
  expect(nodeCauses(node({ allocatable: {} }), undefined)).toEqual([])
})

test('a node that is not ready, has no driver, or is drained', () => {
  const conditions = [{ type: 'Ready', status: 'Unknown', message: 'Kubelet stopped posting' }]
  expect(kinds(node({ conditions }))).toEqual(['node not ready'])
  expect(kinds(node({ allocatable: { cpu: '8' } }))).toEqual(['driver'])
  expect(kinds({ ...node({}), spec: { unschedulable: true } })).toEqual(['cordoned'])
})

describe('an object that makes a node names the first step at which it hangs', () => {
  const of = (kind: string, ...conditions: object[]) =>
    provisioningCauses({
      ...{ kind, metadata: { name: 'a' } },
      status: { conditions: conditions as never },
    }).map((cause) => [cause.at, cause.kind])
  const is = (type: string, status = 'True', message = '', reason = 'Because') => ({
    ...{ type, status, message, reason, lastTransitionTime: '2026-11-28T10:00:00Z' },
  })

  test.each([
    ['VcpuLimitExceeded: You have requested more vCPU capacity than your current limit', 'quota'],
    ['InsufficientInstanceCapacity: no capacity for g6e.xlarge', 'capacity'],
    ['UnauthorizedOperation: You are not authorized', 'credentials'],
    ['ZONE_RESOURCE_POOL_EXHAUSTED', 'capacity'],
    ['something else', 'unknown'],
  ])('a claim that the provider does not launch: %s', (message, kind) => {
    expect(of('NodeClaim', is('Launched', 'False', message))).toEqual([['NodeClaim a', kind]])
  })

  test('a node that came without its driver', () => {
    const message = 'Resource "nvidia.com/gpu" was requested but not registered'
    const steps = [is('Launched'), is('Registered'), is('Initialized', 'Unknown', message)]
    expect(of('NodeClaim', ...steps)).toEqual([['NodeClaim a', 'driver']])
  })

  test('a node that is on its way is waited for, one that is there is no cause', () => {
    expect(of('NodeClaim', is('Launched'), is('Registered', 'Unknown'))).toEqual([
      ['NodeClaim a', 'waiting'],
    ])
    const done = [is('Launched'), is('Registered'), is('Initialized')]
    expect(of('NodeClaim', ...done)).toEqual([])
    expect(of('NodePool')).toEqual([])
  })

  test('a pool whose node class is missing, and a machine that its provider refuses', () => {
    expect(of('NodePool', is('NodeClassReady', 'False', 'not found'))).toEqual([
      ['NodePool a', 'node class'],
    ])
    const machine = is('InfrastructureReady', 'False', 'Quota exceeded for cores')
    expect(of('Machine', is('BootstrapConfigReady'), machine)).toEqual([['Machine a', 'quota']])
  })
})
