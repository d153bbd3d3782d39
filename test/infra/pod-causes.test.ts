import { expect, test } from 'vitest'
import { causesOf } from '../../infra/pod-causes.ts'

const pod = (status: object) => ({ metadata: { name: 'p' }, status })

test('an unscheduled pod tells what the scheduler said', () => {
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message: '0/1 nodes are available: 1 Insufficient memory.',
  }
  expect(causesOf(pod({ conditions: [condition] }))).toEqual([
    'p: Unschedulable: 0/1 nodes are available: 1 Insufficient memory.',
  ])
})

test('a crashing container tells its last exit', () => {
  const container = {
    name: 'server',
    ready: false,
    state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } },
    lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
  }
  expect(causesOf(pod({ containerStatuses: [container] }))).toEqual([
    'p/server: CrashLoopBackOff: back-off 10s; last exit 137 (OOMKilled)',
  ])
})

test('a finished init container and a ready container are no cause', () => {
  const done = { name: 'init', ready: false, state: { terminated: { finishedAt: new Date() } } }
  const ready = { name: 'server', ready: true, state: { running: {} } }
  const status = { initContainerStatuses: [done], containerStatuses: [ready] }
  expect(causesOf(pod(status))).toEqual([])
})
