import { expect, test } from 'vitest'
import { chartObjects } from '../../../../infra/local/provider/chart-objects.ts'
import { argumentsOf, objectsIn } from '../../../../infra/local/provider/helm-template.ts'
import {
  refusalOf,
  tokenOf,
  typeOf,
  typeOfToken,
} from '../../../../infra/local/provider/object-type.ts'

const naming = { prefix: 'model', namespace: 'serantau', skipAwait: false }
const object = (apiVersion: string, kind: string, metadata: Record<string, unknown>) =>
  ({ apiVersion, kind, metadata }) as never

test('objects are named after chart, namespace and object, in the namespace of the release', () => {
  const rows = chartObjects(
    [
      object('v1', 'Service', { name: 'a' }),
      object('v1', 'Service', { name: 'a', namespace: 'other' }),
      object('rbac.authorization.k8s.io/v1', 'ClusterRole', { name: 'c' }),
    ],
    naming,
  )
  expect(rows.map((row) => row.name)).toEqual(['model:serantau/a', 'model:other/a', 'model:c'])
  expect(rows[0]?.object['metadata']).toEqual({ name: 'a', namespace: 'serantau' })
})

test.each([
  ['coordination.k8s.io/v1', 'Lease'],
  ['keda.sh/v1alpha1', 'ScaledObject'],
])('%s %s stands in the namespace of the release too', (apiVersion, kind) => {
  const [row] = chartObjects([object(apiVersion, kind, { name: 'a' })], naming)
  expect(row?.object['metadata']).toEqual({ name: 'a', namespace: 'serantau' })
})

test('namespaces and definitions come before what needs them, wishes are honoured', () => {
  const depends = { 'config.kubernetes.io/depends-on': '/namespaces/team/ConfigMap/late' }
  const definition = {
    ...(object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
      name: 'routes',
    }) as object),
    spec: { group: 'gateway.networking.k8s.io', names: { kind: 'HTTPRoute' } },
  } as never
  const rows = chartObjects(
    [
      object('gateway.networking.k8s.io/v1', 'HTTPRoute', { name: 'route', namespace: 'team' }),
      object('v1', 'Service', { name: 'early', namespace: 'team', annotations: depends }),
      object('v1', 'ConfigMap', { name: 'late', namespace: 'team' }),
      object('v1', 'Namespace', { name: 'team' }),
      definition,
    ],
    naming,
  )
  const order = rows.map((row) => row.name)
  expect(order).toEqual([
    'model:team',
    'model:routes',
    'model:team/route',
    'model:team/late',
    'model:team/early',
  ])
  expect(rows[4]?.after.map((index) => order[index]).sort()).toEqual([
    'model:team',
    'model:team/late',
  ])
})

test('an unknown or circular wish and a repeated object are refused by name', () => {
  const wish = (name: string, on: string) =>
    object('v1', 'ConfigMap', {
      name,
      annotations: { 'config.kubernetes.io/depends-on': `/namespaces/serantau/ConfigMap/${on}` },
    })
  expect(() => chartObjects([wish('a', 'b')], naming)).toThrow('ConfigMap serantau/a')
  expect(() => chartObjects([wish('a', 'b'), wish('b', 'a')], naming)).toThrow('circle')
  const twice = object('v1', 'ConfigMap', { name: 'a' })
  expect(() => chartObjects([twice, twice], naming)).toThrow('ConfigMap serantau/a twice')
})

test('resource-policy keep and skipAwait reach the resource', () => {
  const annotations = { 'helm.sh/resource-policy': 'keep' }
  const claim = object('v1', 'PersistentVolumeClaim', { name: 'a', annotations })
  const rows = chartObjects([claim], { ...naming, skipAwait: true })
  expect(rows[0]?.keep).toBe(true)
  expect(rows[0]?.object).toMatchObject({
    metadata: { annotations: { 'pulumi.com/skipAwait': 'true' } },
  })
})

test('every document of a manifest is an object, empty ones are none, lists are their items', () => {
  const manifest = [
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}',
    '# only a comment',
    'apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod}]',
  ].join('\n---\n')
  expect(objectsIn(manifest).map((one) => one['kind'])).toEqual(['ConfigMap', 'Pod'])
  expect(() => objectsIn('just: text')).toThrow('without apiVersion and kind')
  expect(() => objectsIn('a: [')).toThrow('cannot be read')
})

test('Helm is called without hooks, with what the cluster can do, and with values in a file', () => {
  const args = argumentsOf(
    {
      release: 'r',
      namespace: 'n',
      chart: './c',
      values: { key: 'secret' },
      valueFiles: ['v.yaml'],
      skipCrds: false,
      dependencyUpdate: false,
      capabilities: { version: 'v1.34.4', apiVersions: ['v1', 'apps/v1'] },
      cwd: '/',
    },
    '/tmp/values.json',
  )
  const line = args.join(' ')
  expect(line).toContain('template r ./c --no-hooks --namespace n --include-crds')
  expect(line).toContain('--kube-version v1.34.4 --api-versions v1 --api-versions apps/v1')
  expect(line).toContain('--values v.yaml --values /tmp/values.json')
  expect(line).not.toContain('secret')
})

test.each([
  ['kubernetes:core/v1:Pod', 'v1', ''],
  ['kubernetes:apps/v1:Deployment', 'apps/v1', 'apps'],
  [
    'kubernetes:gateway.networking.k8s.io/v1:HTTPRoute',
    'gateway.networking.k8s.io/v1',
    'gateway.networking.k8s.io',
  ],
])('the token %s names %s', (token, apiVersion, group) => {
  const type = typeOfToken(token)
  expect(type).toMatchObject({ apiVersion, group })
  expect(tokenOf(typeOf(type.apiVersion, type.kind))).toBe(token)
})

test.each([
  'kubernetes:helm.sh/v3:Release',
  'kubernetes:helm.sh/v3:Chart',
  'kubernetes:yaml/v2:ConfigGroup',
  'kubernetes:kustomize/v2:Directory',
  'kubernetes:core/v1:NamespacePatch',
  'kubernetes:core/v1:PodList',
])('%s is refused with what to use instead', (token) => {
  expect(refusalOf(token)).toContain(token)
})
