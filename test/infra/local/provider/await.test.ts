import { describe, expect, test } from 'vitest'
import { judgeDeployment } from '../../../../infra/local/provider/await/deployment.ts'
import { judgeIngress, judgeService } from '../../../../infra/local/provider/await/network.ts'
import { judgePod } from '../../../../infra/local/provider/await/pod.ts'
import { judgeClaim } from '../../../../infra/local/provider/await/storage.ts'
import { judgeWaitFor } from '../../../../infra/local/provider/await/wait-for.ts'
import { judgeJob } from '../../../../infra/local/provider/await/workload.ts'
import type { JsonObject } from '../../../../infra/local/provider/property-value.ts'

const condition = (type: string, status: string, reason = '', message = ''): JsonObject => ({
  type,
  status,
  reason,
  message,
})

describe('a Deployment', () => {
  const deployment = (status: JsonObject, spec: JsonObject = {}): JsonObject => ({
    metadata: { name: 'app', uid: 'd', generation: 2 },
    spec: { replicas: 2, ...spec },
    status: { observedGeneration: 2, ...status },
  })
  const set = (uid: string, revision: string): JsonObject => ({
    metadata: {
      uid,
      ownerReferences: [{ uid: 'd' }],
      annotations: { 'deployment.kubernetes.io/revision': revision },
    },
  })
  const pod = (owner: string, status: JsonObject): JsonObject => ({
    metadata: { name: `app-${owner}`, ownerReferences: [{ uid: owner }] },
    status,
  })
  const done = { replicas: 2, updatedReplicas: 2, availableReplicas: 2 }

  test('is ready when the newest template is available everywhere and nothing older is left', () => {
    expect(judgeDeployment(deployment(done), [], []).ready).toBe(true)
  })

  test.each([
    [{ ...done, observedGeneration: 1 }, 'waiting for the deployment controller'],
    [{ ...done, availableReplicas: 1 }, 'waiting for pods: 1 of 2 available'],
    [
      { replicas: 2, updatedReplicas: 1, availableReplicas: 2 },
      'waiting for pods: 1 of 2 available',
    ],
    [{ ...done, replicas: 3 }, 'waiting for 1 older pods to end'],
  ])('is not ready with %j: %s', (status, line) => {
    expect(judgeDeployment(deployment(status), [], [])).toMatchObject({
      ready: false,
      status: line,
    })
  })

  test('without replicas or paused is not waited for', () => {
    expect(judgeDeployment(deployment({}, { replicas: 0 }), [], []).ready).toBe(true)
    expect(judgeDeployment(deployment({}, { paused: true }), [], []).ready).toBe(true)
  })

  test('tells the causes of its newest pods and not those of older ones', () => {
    const missing = {
      containerStatuses: [
        { name: 'c', state: { waiting: { reason: 'ErrImagePull', message: 'not found' } } },
      ],
    }
    const found = judgeDeployment(
      deployment({}),
      [set('old', '1'), set('new', '2')],
      [pod('new', missing), pod('old', { phase: 'Failed', reason: 'Evicted' })],
    )
    expect(found.problems).toEqual(['[Pod app-new]: container "c": ErrImagePull: not found'])
  })

  test('tells why no pod could be made at all', () => {
    const newest = set('new', '1')
    newest['status'] = {
      conditions: [condition('ReplicaFailure', 'True', 'FailedCreate', 'violates PodSecurity')],
    }
    expect(judgeDeployment(deployment({}), [newest], []).problems).toEqual([
      'FailedCreate: violates PodSecurity',
    ])
  })
})

describe('a Pod', () => {
  const pod = (status: JsonObject): JsonObject => ({ metadata: { name: 'p' }, status })

  test('is ready when it runs and is ready, or ended well', () => {
    expect(
      judgePod(pod({ phase: 'Running', conditions: [condition('Ready', 'True')] })).ready,
    ).toBe(true)
    expect(judgePod(pod({ phase: 'Succeeded' })).ready).toBe(true)
    expect(
      judgePod(pod({ phase: 'Running', conditions: [condition('Ready', 'False')] })).ready,
    ).toBe(false)
  })

  test("repeats the scheduler's words when no node fits", () => {
    const unschedulable = condition('PodScheduled', 'False', 'Unschedulable', '0/1 nodes: no GPU')
    expect(judgePod(pod({ phase: 'Pending', conditions: [unschedulable] })).problems).toEqual([
      '[Pod p]: Unschedulable: 0/1 nodes: no GPU',
    ])
  })

  test('says how a crashing container last ended', () => {
    const crashing = {
      name: 'c',
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } },
      lastState: { terminated: { exitCode: 3, reason: 'Error', message: 'no model' } },
    }
    expect(judgePod(pod({ phase: 'Running', containerStatuses: [crashing] })).problems).toEqual([
      '[Pod p]: container "c": CrashLoopBackOff: back-off 10s; it last ended with exit code 3 (Error: no model)',
    ])
  })

  test('that failed for good is not waited for any longer', () => {
    expect(judgePod(pod({ phase: 'Failed' })).hopeless).toBe(true)
  })

  test('that starts has no problem', () => {
    const starting = { name: 'c', state: { waiting: { reason: 'ContainerCreating' } } }
    expect(judgePod(pod({ phase: 'Pending', containerStatuses: [starting] })).problems).toEqual([])
  })
})

describe('a Service', () => {
  const service = (spec: JsonObject, status: JsonObject = {}): JsonObject => ({ spec, status })
  const endpoint = (ready: boolean): JsonObject => ({
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready } }],
  })
  const selector = { app: 'x' }

  test('is ready when a ready pod stands behind it', () => {
    expect(judgeService(service({ selector }), [endpoint(true)]).ready).toBe(true)
    expect(judgeService(service({ selector }), [endpoint(false)]).ready).toBe(false)
    expect(judgeService(service({ selector }), []).ready).toBe(false)
  })

  test.each([
    [{ selector, clusterIP: 'None' }],
    [{ type: 'ExternalName', selector }],
    [{ clusterIP: '10.0.0.2' }],
  ])('of the form %j has no pods to wait for', (spec) => {
    expect(judgeService(service(spec), []).ready).toBe(true)
  })

  test('of type LoadBalancer also needs an address', () => {
    const spec = { type: 'LoadBalancer', selector }
    expect(judgeService(service(spec), [endpoint(true)]).ready).toBe(false)
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }
    expect(judgeService(service(spec, status), [endpoint(true)]).ready).toBe(true)
  })
})

test('an Ingress needs its Services and an address', () => {
  const rules = [{ http: { paths: [{ backend: { service: { name: 'web' } } }] } }]
  const ingress = { spec: { rules }, status: {} as JsonObject }
  expect(judgeIngress(ingress, []).problems).toEqual([
    'no Service "web" is there for a path of the Ingress',
  ])
  const services = [{ metadata: { name: 'web' } }]
  expect(judgeIngress(ingress, services).ready).toBe(false)
  ingress.status = { loadBalancer: { ingress: [{ hostname: 'a' }] } }
  expect(judgeIngress(ingress, services).ready).toBe(true)
})

test('a claim is waited for until bound, unless its class waits for the first pod', () => {
  const claim = (phase: string): JsonObject => ({ status: { phase } })
  expect(judgeClaim(claim('Bound'), undefined).ready).toBe(true)
  expect(judgeClaim(claim('Pending'), undefined).ready).toBe(false)
  expect(judgeClaim(claim('Pending'), { volumeBindingMode: 'Immediate' }).ready).toBe(false)
  expect(judgeClaim(claim('Pending'), { volumeBindingMode: 'WaitForFirstConsumer' }).ready).toBe(
    true,
  )
})

test('a Job is ready when complete, and lost when failed', () => {
  const job = (...conditions: JsonObject[]): JsonObject => ({ spec: {}, status: { conditions } })
  expect(judgeJob(job(condition('Complete', 'True')), []).ready).toBe(true)
  expect(judgeJob(job(), [])).toMatchObject({
    ready: false,
    status: 'waiting for the job: 0 of 1 completed',
  })
  const failed = judgeJob(job(condition('Failed', 'True', 'BackoffLimitExceeded', 'too often')), [])
  expect(failed).toMatchObject({
    hopeless: true,
    problems: ['the job failed: BackoffLimitExceeded: too often'],
  })
})

describe('pulumi.com/waitFor', () => {
  const object: JsonObject = {
    status: { phase: 'Running', count: 3, conditions: [condition('Ready', 'True')] },
  }
  test.each([
    ['condition=Ready', true],
    ['condition=Ready=False', false],
    ['condition=Other', false],
    ['jsonpath={.status.phase}=Running', true],
    ['jsonpath={.status.phase}=Pending', false],
    ['jsonpath={.status.count}=3', true],
    ['jsonpath={.status.missing}', false],
    ['jsonpath={.status.phase}', true],
    ['jsonpath={.status.conditions[?(@.type=="Ready")].status}=True', true],
    ['["condition=Ready","jsonpath={.status.phase}=Running"]', true],
    ['["condition=Ready","condition=Other"]', false],
  ])('%s: %s', (expression, ready) => {
    expect(judgeWaitFor(expression, object).ready).toBe(ready)
  })

  test('refuses what it cannot read', () => {
    expect(() => judgeWaitFor('whatever', object)).toThrow('expected condition=TYPE or jsonpath')
  })
})
