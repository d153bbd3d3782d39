import type { CoreV1Event } from '@kubernetes/client-node'
import { describe, expect, test } from 'vitest'
import { FIXES } from '../../../infra/causes/cause.ts'
import { causesOf, refusedPods } from '../../../infra/causes/pod-causes.ts'

const SINCE = new Date('2026-11-28T10:00:00Z')
const pod = (status: object) => ({ metadata: { name: 'p', uid: 'u1' }, status })
const unscheduled = (message: string) =>
  pod({
    conditions: [
      {
        ...{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message },
        lastTransitionTime: SINCE,
      },
    ],
  })
const event = (component: string, reason: string, message: string, uid = 'u1') =>
  ({
    ...{ metadata: {}, involvedObject: { uid }, source: { component }, reason, message },
    lastTimestamp: SINCE,
  }) as CoreV1Event

describe('an unscheduled pod: the cause, since when and the fix', () => {
  test.each([
    ['0/1 nodes are available: 1 Insufficient nvidia.com/gpu.', 'resources'],
    ['0/3 nodes are available: 3 node(s) had untolerated taint {dedicated: ml}.', 'taint'],
    ["0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.", 'affinity'],
    ['0/2 nodes are available: 2 node(s) had volume node affinity conflict.', 'volume zone'],
    ['0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.', 'volume'],
    ['0/1 nodes are available: 1 cannot allocate all claims.', 'resources'],
    [
      "0/2 nodes are available: 1 Insufficient memory, 1 node(s) didn't match Pod's node affinity/selector.",
      'resources',
    ],
    [
      "0/2 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }, 1 node(s) didn't match Pod's node affinity/selector.",
      'affinity',
    ],
    ['something that nobody knows', 'unknown'],
  ] as const)('%s', (message, kind) => {
    expect(causesOf(unscheduled(message))).toEqual([
      { at: 'p', kind, message, since: SINCE.toISOString(), fix: FIXES[kind] },
    ])
  })

  test.each([
    [
      'karpenter',
      'Failed to schedule pod, all available instance types exceed limits for nodepool: "l40s"',
      'limit',
    ],
    [
      'karpenter',
      'Failed to schedule pod, incompatible with nodepool "l40s", no instance type satisfied resources {"nvidia.com/gpu":"16"}',
      'instance type',
    ],
    ['cluster-autoscaler', "pod didn't trigger scale-up: 1 max node group size reached", 'limit'],
  ] as const)('what %s says of it goes before the scheduler: %s', (component, message, kind) => {
    const events = [
      event(
        component,
        component === 'karpenter' ? 'FailedScheduling' : 'NotTriggerScaleUp',
        message,
      ),
      event(component, 'FailedScheduling', 'of another pod: quota', 'u2'),
    ]
    const [cause] = causesOf(unscheduled('0/1 nodes are available: 1 Insufficient cpu.'), events)
    expect(cause).toMatchObject({ kind, message })
  })
})

describe('a container that is not ready', () => {
  const kinds = (containerStatuses: object[]) =>
    causesOf(pod({ containerStatuses })).map(({ at, kind }) => [at, kind])
  const server = (more: object) => ({ name: 'server', ready: false, ...more })

  test('out of memory is told before the crash loop that follows', () => {
    const state = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } }
    const lastState = { terminated: { exitCode: 137, reason: 'OOMKilled', finishedAt: SINCE } }
    const [cause] = causesOf(pod({ containerStatuses: [server({ state, lastState })] }))
    expect(cause).toEqual({
      ...{ at: 'p/server', kind: 'memory', since: SINCE.toISOString(), fix: FIXES.memory },
      message: 'CrashLoopBackOff: back-off 10s; last exit 137 (OOMKilled)',
    })
  })

  test.each([
    ['ErrImagePull', 'image'],
    ['CreateContainerConfigError', 'config'],
    ['ContainerCreating', 'starting'],
  ])('%s', (reason, kind) => {
    expect(kinds([server({ state: { waiting: { reason } } })])).toEqual([['p/server', kind]])
  })

  test('one that runs is starting; one that crashed says so; one that is done or ready is no cause', () => {
    const crashed = { waiting: { reason: 'CrashLoopBackOff' } }
    const lastState = { terminated: { exitCode: 1, reason: 'Error' } }
    expect(
      kinds([
        server({ state: { running: { startedAt: SINCE } } }),
        server({ state: crashed, lastState }),
        server({ state: { terminated: { exitCode: 0, finishedAt: SINCE } } }),
        { name: 'server', ready: true, state: { running: {} } },
      ]),
    ).toEqual([
      ['p/server', 'starting'],
      ['p/server', 'crash'],
    ])
  })

  test('a volume that cannot be mounted is told instead of a container that is created', () => {
    const waiting = [server({ state: { waiting: { reason: 'ContainerCreating' } } })]
    const events = [event('kubelet', 'FailedMount', 'secret "serantau-keys" not found')]
    expect(causesOf(pod({ containerStatuses: waiting }), events)).toMatchObject([
      { at: 'p', kind: 'volume', message: 'secret "serantau-keys" not found' },
    ])
  })
})

test('pods that admission refuses are told of their Deployment', () => {
  const message = 'pods "m" is forbidden: pod rejected: RuntimeClass "nvidia" not found'
  const conditions = [
    { type: 'Available', message: 'no' },
    { type: 'ReplicaFailure', message, lastTransitionTime: SINCE },
  ]
  expect(refusedPods('model-a', conditions)).toMatchObject([
    { at: 'model-a', kind: 'admission', message },
  ])
})

test('text of the cluster is one line of bounded length', () => {
  const [cause] = causesOf(unscheduled(`a\u001b[31m\nb${'x'.repeat(9000)}`))
  expect(cause?.message).toMatch(/^a \[31m bx+\.\.\.$/)
  expect(cause?.message.length).toBeLessThan(500)
})
