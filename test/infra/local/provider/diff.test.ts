import { describe, expect, test } from 'vitest'
import { judge } from '../../../../infra/local/provider/diff.ts'
import { formatPropertyPath } from '../../../../infra/local/provider/difference.ts'
import { typeOf } from '../../../../infra/local/provider/object-type.ts'
import { UNKNOWN, type JsonObject } from '../../../../infra/local/provider/property-value.ts'

const frozen = { configMap: false, secret: false }
const mutable = { configMap: true, secret: true }

function verdictOf(
  apiVersion: string,
  kind: string,
  before: JsonObject,
  after: JsonObject,
  rules = frozen,
) {
  const head = { apiVersion, kind, metadata: { name: 'a', namespace: 'n' } }
  const type = typeOf(apiVersion, kind)
  const verdict = judge(type, { ...head, ...before }, { ...head, ...after }, rules)
  return {
    paths: verdict.changes.map((change) => `${change.kind} ${formatPropertyPath(change.path)}`),
    replace: verdict.changes.some((change) => change.replace),
    deleteBeforeReplace: verdict.deleteBeforeReplace,
  }
}

test('equal inputs are no change, null counts as absent', () => {
  const spec = { replicas: 1, template: { spec: { containers: [{ name: 'a' }] } } }
  const verdict = verdictOf('apps/v1', 'Deployment', { spec }, { spec, status: null })
  expect(verdict).toEqual({ paths: [], replace: false, deleteBeforeReplace: false })
})

test('a change is named by the path of its leaf', () => {
  const spec = (image: string, label: string) => ({
    template: {
      metadata: { labels: { 'app.kubernetes.io/name': label } },
      spec: { containers: [{ image }] },
    },
  })
  const verdict = verdictOf(
    'apps/v1',
    'Deployment',
    { spec: spec('a', 'x') },
    { spec: { ...spec('b', 'y'), replicas: 2 } },
  )
  expect(verdict.paths).toEqual([
    'update spec.template.metadata.labels["app.kubernetes.io/name"]',
    'update spec.template.spec.containers[0].image',
    'add spec.replicas',
  ])
  expect(verdict.replace).toBe(false)
})

describe('fields that cannot change replace the object', () => {
  const rows: [string, string, JsonObject, JsonObject, boolean][] = [
    ['v1', 'Namespace', { metadata: { name: 'a' } }, { metadata: { name: 'b' } }, true],
    ['v1', 'ConfigMap', { data: { a: '1' } }, { data: { a: '2' } }, true],
    ['v1', 'Secret', { stringData: { a: '1' } }, { stringData: { a: '2' } }, true],
    ['v1', 'Secret', { type: 'Opaque' }, { type: 'kubernetes.io/tls' }, true],
    [
      'v1',
      'Service',
      { spec: { clusterIP: '10.0.0.1' } },
      { spec: { clusterIP: '10.0.0.2' } },
      true,
    ],
    [
      'v1',
      'Service',
      { spec: { ports: [{ port: 1 }] } },
      { spec: { ports: [{ port: 2 }] } },
      false,
    ],
    [
      'v1',
      'PersistentVolume',
      { spec: { hostPath: { path: 'a' } } },
      { spec: { hostPath: { path: 'b' } } },
      true,
    ],
    [
      'v1',
      'PersistentVolumeClaim',
      { spec: { storageClassName: 'a' } },
      { spec: { storageClassName: 'b' } },
      true,
    ],
    [
      'v1',
      'PersistentVolumeClaim',
      { spec: { resources: { requests: { storage: '1Gi' } } } },
      { spec: { resources: { requests: { storage: '2Gi' } } } },
      false,
    ],
    [
      'v1',
      'Pod',
      { spec: { containers: [{ image: 'a' }] } },
      { spec: { containers: [{ image: 'b' }] } },
      true,
    ],
    [
      'apps/v1',
      'Deployment',
      { spec: { selector: { matchLabels: { a: 'b' } } } },
      { spec: { selector: { matchLabels: { a: 'c' } } } },
      true,
    ],
    [
      'batch/v1',
      'Job',
      { spec: { template: { spec: { containers: [{ image: 'a' }] } } } },
      { spec: { template: { spec: { containers: [{ image: 'b' }] } } } },
      true,
    ],
    ['batch/v1', 'Job', { spec: { backoffLimit: 1 } }, { spec: { backoffLimit: 2 } }, false],
    [
      'rbac.authorization.k8s.io/v1',
      'RoleBinding',
      { roleRef: { name: 'a' } },
      { roleRef: { name: 'b' } },
      true,
    ],
    [
      'rbac.authorization.k8s.io/v1',
      'Role',
      { rules: [{ verbs: ['get'] }] },
      { rules: [{ verbs: ['list'] }] },
      false,
    ],
    ['scheduling.k8s.io/v1', 'PriorityClass', { value: 1 }, { value: 2 }, true],
    [
      'policy/v1',
      'PodDisruptionBudget',
      { spec: { minAvailable: 1 } },
      { spec: { minAvailable: 2 } },
      false,
    ],
    [
      'networking.k8s.io/v1',
      'NetworkPolicy',
      { spec: { policyTypes: ['Ingress'] } },
      { spec: { policyTypes: ['Egress'] } },
      false,
    ],
    [
      'gateway.networking.k8s.io/v1',
      'HTTPRoute',
      { spec: { hostnames: ['a'] } },
      { spec: { hostnames: ['b'] } },
      false,
    ],
  ]
  test.each(rows)('%s %s %j -> %j: %s', (apiVersion, kind, before, after, replace) => {
    const verdict = verdictOf(apiVersion, kind, before, after)
    expect(verdict.paths).not.toEqual([])
    expect(verdict.replace).toBe(replace)
  })
})

test('the whole of a frozen field may come or go', () => {
  expect(verdictOf('v1', 'ConfigMap', {}, { data: { a: '1' } }).replace).toBe(true)
  expect(verdictOf('v1', 'PersistentVolume', { spec: { csi: {} } }, {}).replace).toBe(true)
})

test('data may change in place where the provider allows it and the object is not immutable', () => {
  const change = [{ data: { a: '1' } }, { data: { a: '2' } }] as const
  expect(verdictOf('v1', 'ConfigMap', ...change, mutable).replace).toBe(false)
  expect(verdictOf('v1', 'Secret', ...change, mutable).replace).toBe(false)
  const sealed = { immutable: true }
  const before = { ...change[0], ...sealed }
  const after = { ...change[1], ...sealed }
  expect(verdictOf('v1', 'ConfigMap', before, after, mutable).replace).toBe(true)
})

test('a fixed name must be free before the replacement is made, a new name overlaps', () => {
  const before = { data: { a: '1' } }
  const renamed = { data: { a: '2' }, metadata: { name: 'b', namespace: 'n' } }
  expect(verdictOf('v1', 'ConfigMap', before, { data: { a: '2' } }).deleteBeforeReplace).toBe(true)
  expect(verdictOf('v1', 'ConfigMap', before, renamed).deleteBeforeReplace).toBe(false)
})

test('a value that is not known yet is a change, and replaces where it cannot change', () => {
  const before = { spec: { clusterIP: '10.0.0.1', type: 'ClusterIP' } }
  const after = { spec: { clusterIP: UNKNOWN, type: 'ClusterIP' } }
  const verdict = verdictOf('v1', 'Service', before, after)
  expect(verdict.paths).toEqual(['update spec.clusterIP'])
  expect(verdict.replace).toBe(true)
})
