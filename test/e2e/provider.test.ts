import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as kubernetes from '@pulumi/kubernetes'
import * as pulumi from '@pulumi/pulumi'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KubernetesResource, type Outcome } from '../helpers/inline-stack.ts'
import { ProviderCluster } from '../helpers/provider-cluster.ts'
import { KINDS, type Round } from '../helpers/provider-kinds.ts'

const NAMESPACE = 'conformance'
const nothing = () => undefined
let cluster: ProviderCluster

beforeAll(async () => {
  cluster = await ProviderCluster.start()
  await cluster.kubectl('create', 'namespace', NAMESPACE)
})

afterAll(() => cluster?.stop())

interface Wish extends Partial<Round> {
  without?: string
  imported?: boolean
}

const kinds = Object.entries(KINDS)
const kindNames = Object.keys(KINDS)

/** All rows of the table as one program. */
const allKinds = (wish: Wish) => () => {
  const { image } = cluster
  const round = { namespace: NAMESPACE, image, phase: 'one', replaced: false, ...wish }
  // Drift is taken back: the label that someone else changed is ours again.
  const provider = cluster.provider({ enablePatchForce: true })
  const made: Record<string, pulumi.Resource> = {}
  for (const [name, row] of kinds.filter(([name]) => name !== wish.without)) {
    const inputs = row.make(round)
    const { metadata } = inputs as { metadata: { name: string; namespace?: string } }
    made[name] = new KubernetesResource(row.token, name, inputs, {
      provider,
      dependsOn: row.after?.flatMap((other) => made[other] ?? []),
      import: wish.imported
        ? [metadata.namespace, metadata.name].filter(Boolean).join('/')
        : undefined,
    })
  }
}

/** `Deployment.v1.apps/web`, as kubectl names them. */
function identities(replaced: boolean): string[] {
  return kinds.map(([, row]) => {
    const round = { namespace: NAMESPACE, image: '', phase: '', replaced }
    const { name } = row.make(round)['metadata'] as { name: string }
    const [, apiVersion = '', kind = ''] = row.token.split(':')
    const [group, version] = apiVersion.split('/')
    return group === 'core' ? `${kind}/${name}` : `${kind}.${version}.${group}/${name}`
  })
}

async function uids(replaced = false): Promise<string[]> {
  const path = 'jsonpath={.items[*].metadata.uid}'
  const found = await cluster.kubectl('-n', NAMESPACE, 'get', ...identities(replaced), '-o', path)
  return found.split(' ')
}

/** The operations on the table's rows, in the table's order. */
const operationsOfKinds = (outcome: Outcome) =>
  Object.fromEntries(kindNames.map((name) => [name, outcome.operations[name] ?? ['same']]))
const eachKind = (...operations: string[]) =>
  Object.fromEntries(kindNames.map((name) => [name, operations]))

describe('every kind that the kit uses', () => {
  const up = async (wish: Wish) => {
    const outcome = await cluster.engine.run('kinds', 'up', allKinds(wish))
    expect(outcome.error).toBeUndefined()
    return outcome
  }

  test('can be previewed before it is there, custom kinds with their definitions', async () => {
    const outcome = await cluster.engine.run('kinds', 'preview', allKinds({}))
    expect(outcome.error).toBeUndefined()
    expect(operationsOfKinds(outcome)).toEqual(eachKind('create'))
  })

  test('is created, and is ready when the update ends', async () => {
    const outcome = await up({})
    expect(operationsOfKinds(outcome)).toEqual(eachKind('create'))
    const path = 'jsonpath={.status.availableReplicas}'
    expect(await cluster.kubectl('-n', NAMESPACE, 'get', 'deployment', 'web', '-o', path)).toBe('1')
    expect(outcome.output).toContain('offline provider')
  })

  test('is left alone when nothing changed', async () => {
    expect(operationsOfKinds(await up({}))).toEqual(eachKind('same'))
  })

  test('is updated in place', async () => {
    const before = await uids()
    const outcome = await up({ phase: 'two' })
    expect(operationsOfKinds(outcome)).toEqual(eachKind('update'))
    expect(await uids()).toEqual(before)
  })

  test('is refreshed after drift, and the next update takes the drift back', async () => {
    const drift = ['label', '--overwrite', ...identities(false), 'phase=drift']
    await cluster.kubectl('-n', NAMESPACE, ...drift)
    const program = allKinds({ phase: 'two' })
    const refreshed = await cluster.engine.run('kinds', 'refresh', program)
    expect(refreshed.error).toBeUndefined()
    expect(operationsOfKinds(refreshed)).toEqual(eachKind('update'))
    expect(operationsOfKinds(await up({ phase: 'two' }))).toEqual(eachKind('update'))
    const path = 'jsonpath={.items[*].metadata.labels.phase}'
    const labels = await cluster.kubectl('-n', NAMESPACE, 'get', ...identities(false), '-o', path)
    expect(labels.split(' ')).toEqual(kindNames.map(() => 'two'))
  })

  test('is imported without a change', async () => {
    const program = allKinds({ phase: 'two', imported: true })
    const outcome = await cluster.engine.run('imported', 'up', program)
    expect(outcome.error).toBeUndefined()
    expect(operationsOfKinds(outcome)).toEqual(eachKind('import'))
    const again = await cluster.engine.run('imported', 'up', allKinds({ phase: 'two' }))
    expect(operationsOfKinds(again)).toEqual(eachKind('same'))
  })

  test('is replaced when what cannot change changes', async () => {
    const before = await uids()
    const outcome = await up({ phase: 'two', replaced: true })
    const replaced = kindNames.filter((name) => outcome.operations[name]?.includes('replace'))
    // A definition's name says what it defines: nothing else of it is fixed.
    expect(replaced).toEqual(kindNames.filter((name) => name !== 'routes' && name !== 'gateways'))
    const after = new Set(await uids(true))
    expect(before.filter((uid) => after.has(uid))).toHaveLength(2)
  })

  test('is deleted when dropped, and made again when someone else deleted it', async () => {
    const wish = { phase: 'two', replaced: true, without: 'pod' }
    expect((await up(wish)).operations).toEqual({ pod: ['delete'] })
    const pod = ['get', 'pod', 'single', '--ignore-not-found']
    expect(await cluster.kubectl('-n', NAMESPACE, ...pod)).toBe('')
    await cluster.kubectl('-n', NAMESPACE, 'delete', 'configmap', 'settings')
    const refreshed = await cluster.engine.run('kinds', 'refresh', allKinds(wish))
    expect(refreshed.operations).toEqual({ configmap: ['delete'] })
    expect((await up(wish)).operations).toEqual({ configmap: ['create'] })
  })

  test('is gone after destroy, and destroying what is gone is no error', async () => {
    const outcome = await cluster.engine.run('kinds', 'destroy', nothing)
    expect(outcome.error).toBeUndefined()
    const namespaced = 'all,secrets,pvc,networkpolicies,ingresses,pdb,roles,rolebindings'
    expect(await cluster.kubectl('-n', NAMESPACE, 'get', namespaced, '-o', 'name')).toBe('')
    const others = await cluster.kubectl('get', 'pv,priorityclass,ns,crd', '-o', 'name')
    expect(others).not.toMatch(/conformance-|gateway/)
    const twice = await cluster.engine.run('imported', 'destroy', nothing)
    expect(twice.error).toBeUndefined()
  })
})

describe('an object that does not become ready', () => {
  const pod = (image: string, extra: Record<string, unknown> = {}, command?: string[]) => ({
    terminationGracePeriodSeconds: 1,
    containers: [
      { name: 'main', image, command, terminationMessagePolicy: 'FallbackToLogsOnError' },
    ],
    ...extra,
  })
  const deployment = (name: string, spec: object) => ({
    metadata: { name, namespace: NAMESPACE },
    spec: {
      // A program that ends at once is available for a moment, unless it must stay for some.
      minReadySeconds: 3,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec },
    },
  })
  const broken = (fixed: boolean) => () => {
    const provider = cluster.provider()
    const options = { provider, customTimeouts: { create: '8s', update: '30s' } }
    const { image } = cluster
    const add = (name: string, spec: object) =>
      new KubernetesResource('kubernetes:apps/v1:Deployment', name, deployment(name, spec), options)
    add('missing', pod(fixed ? image : 'serantau.local/no-such-image:1'))
    add('unschedulable', pod(image, fixed ? {} : { nodeSelector: { gpu: 'yes' } }))
    add('crashing', pod(image, {}, fixed ? undefined : ['/program', 'nonsense']))
    add('refused', pod(image, { serviceAccountName: fixed ? 'default' : 'no-such-account' }))
  }

  test('fails the update with the cause, stays in the state, and heals by the next update', async () => {
    const failed = await cluster.engine.run('broken', 'up', broken(false))
    expect(failed.error).toBeDefined()
    expect(failed.output).toContain('did not become ready within 8 s')
    expect(failed.output).toMatch(/ErrImagePull|ImagePullBackOff/)
    expect(failed.output).toContain('no-such-image')
    expect(failed.output).toMatch(
      /Unschedulable: 0\/1 nodes are available: 1 node\(s\) didn't match/,
    )
    expect(failed.output).toMatch(
      /container "main".*exit code 1 \(Error: unknown component "nonsense"/,
    )
    expect(failed.output).toContain('serviceaccount "no-such-account" not found')
    const healed = await cluster.engine.run('broken', 'up', broken(true))
    expect(healed.error).toBeUndefined()
    const names = ['missing', 'unschedulable', 'crashing', 'refused']
    expect(healed.operations).toEqual(Object.fromEntries(names.map((name) => [name, ['update']])))
    expect((await cluster.engine.run('broken', 'destroy', nothing)).error).toBeUndefined()
  })

  test('stops being waited for at once when the update is cancelled, and can be removed', async () => {
    const program = () => {
      const inputs = {
        metadata: { name: 'endless', namespace: NAMESPACE },
        spec: pod(cluster.image, { nodeSelector: { gpu: 'yes' } }),
      }
      const options = { provider: cluster.provider() }
      new KubernetesResource('kubernetes:core/v1:Pod', 'endless', inputs, options)
    }
    const cancel = new AbortController()
    const outcome = await cluster.engine.run('cancelled', 'up', program, {
      signal: cancel.signal,
      onText: (text) => text.includes('Unschedulable') && cancel.abort(),
    })
    expect(outcome.error).toBeDefined()
    expect(outcome.output).toContain('was cancelled while waiting for the pod')
    const removed = await cluster.engine.run('cancelled', 'destroy', nothing)
    expect(removed.error).toBeUndefined()
    expect(removed.operations['endless']).toEqual(['delete'])
  })
})

describe('a secret', () => {
  const canary = 'canary-Zm9vYmFy-7731'

  test('reaches the cluster and neither the state nor the display', async () => {
    const program = () => {
      const options = { provider: cluster.provider() }
      const metadata = { namespace: NAMESPACE }
      // Not marked by the program: the data of a Secret always is.
      const inputs = { metadata: { ...metadata, name: 'canary' }, stringData: { key: canary } }
      new KubernetesResource('kubernetes:core/v1:Secret', 'canary', inputs, options)
      const data = {
        key: pulumi.secret(canary),
        long: pulumi.secret('x').apply(() => `a ${canary}`),
      }
      new kubernetes.core.v1.ConfigMap('marked', { metadata, data }, options)
      const wrong = { metadata, spec: { ports: [{ port: pulumi.secret(canary) as never }] } }
      new kubernetes.core.v1.Service('wrong', wrong, options)
    }
    const outcome = await cluster.engine.run('secrets', 'up', program)
    expect(outcome.error).toContain('Service')
    const path = 'jsonpath={.data.key}'
    const live = await cluster.kubectl('-n', NAMESPACE, 'get', 'secret', 'canary', '-o', path)
    expect(Buffer.from(live, 'base64').toString()).toBe(canary)
    await cluster.engine.run('secrets', 'refresh', program)
    const encoded = Buffer.from(canary).toString('base64')
    for (const text of [await cluster.engine.state(), outcome.output, outcome.error ?? '']) {
      expect(text).not.toContain(canary)
      expect(text).not.toContain(encoded)
    }
    await cluster.engine.run('secrets', 'destroy', nothing)
  })
})

describe('a chart', () => {
  const template = `
apiVersion: v1
kind: Service
metadata: { name: {{ .Release.Name }}-headless }
spec: { clusterIP: None, selector: { app: x }, ports: [{ port: {{ required "port is needed" .Values.port }} }] }
---
apiVersion: v1
kind: Secret
metadata: { name: {{ .Release.Name }} }
stringData: { served: {{ .Capabilities.APIVersions.Has "policy/v1/PodDisruptionBudget" | or (.Capabilities.APIVersions.Has "policy/v1") | quote }} }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }} }
data: { token: "it is {{ .Values.token }}" }
---
apiVersion: v1
kind: Pod
metadata: { name: probe, annotations: { helm.sh/hook: test } }
spec: { containers: [{ name: a, image: b }] }
`
  const chart = (values: Record<string, unknown>, provider = cluster.provider()) => {
    new kubernetes.helm.v4.Chart(
      'web',
      {
        chart: join(cluster.engine.workFolder('chart'), 'chart'),
        name: 'release',
        namespace: NAMESPACE,
        values,
      },
      { provider },
    )
  }

  beforeAll(async () => {
    const folder = join(cluster.engine.workFolder('chart'), 'chart')
    await mkdir(join(folder, 'templates'), { recursive: true })
    await writeFile(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: web\nversion: 0.1.0\n')
    await writeFile(join(folder, 'templates', 'all.yaml'), template)
  })

  const headless = `web:${NAMESPACE}/release-headless`

  test('becomes one resource an object, without its hooks, and follows its values', async () => {
    const canary = 'canary-in-values-4242'
    const token = () => pulumi.secret(canary)
    const made = await cluster.engine.run('chart', 'up', () => chart({ port: 80, token: token() }))
    expect(made.error).toBeUndefined()
    expect(made.operations).toMatchObject({
      web: ['create'],
      [`web:${NAMESPACE}/release`]: ['create'],
      [headless]: ['create'],
    })
    const values = ['get', 'cm', 'release', '-o', 'jsonpath={.data.token}']
    expect(await cluster.kubectl('-n', NAMESPACE, ...values)).toBe(`it is ${canary}`)
    expect((await cluster.engine.state()) + made.output).not.toContain(canary)
    expect(await cluster.kubectl('-n', NAMESPACE, 'get', 'pods', '-o', 'name')).toBe('')
    const again = await cluster.engine.run('chart', 'up', () => chart({ port: 80, token: token() }))
    expect(again.operations).toEqual({})
    const port = await cluster.engine.run('chart', 'up', () => chart({ port: 81, token: token() }))
    expect(port.operations).toEqual({ [headless]: ['update'] })
  })

  test('whose values are not known yet is previewed without its objects, and says so', async () => {
    const outcome = await cluster.engine.run('unknown', 'preview', () => {
      const provider = cluster.provider()
      const namespace = new kubernetes.core.v1.Namespace('new', {}, { provider })
      chart({ port: namespace.metadata.uid }, provider)
    })
    expect(outcome.error).toBeUndefined()
    expect(outcome.operations).toMatchObject({ new: ['create'], web: ['create'] })
    expect(outcome.operations).not.toHaveProperty([headless])
    expect(outcome.output).toContain('values of the chart are not known yet')
  })

  test("that Helm cannot render fails with all of Helm's words", async () => {
    const outcome = await cluster.engine.run('chart', 'preview', () => chart({}))
    expect(outcome.error).toContain('port is needed')
    expect((await cluster.engine.run('chart', 'destroy', nothing)).error).toBeUndefined()
  })
})

describe('what belongs to others', () => {
  const settings = (data: Record<string, string>) => () => {
    const metadata = { name: 'foreign', namespace: NAMESPACE }
    const options = { provider: cluster.provider({ enableConfigMapMutable: true }) }
    new kubernetes.core.v1.ConfigMap('foreign', { metadata, data }, options)
  }
  const path = 'jsonpath={.data}'

  test('is not adopted silently, and a field that someone else changed is a named conflict', async () => {
    const foreign = ['create', 'configmap', 'foreign', '--from-literal=a=theirs']
    await cluster.kubectl('-n', NAMESPACE, ...foreign)
    const refused = await cluster.engine.run('foreign', 'up', settings({ a: 'ours' }))
    expect(refused.error).toContain(`ConfigMap ${NAMESPACE}/foreign already exists`)
    expect(await cluster.kubectl('-n', NAMESPACE, 'get', 'cm', 'foreign', '-o', path)).toContain(
      'theirs',
    )
    await cluster.kubectl('-n', NAMESPACE, 'delete', 'configmap', 'foreign')

    await cluster.engine.run('foreign', 'up', settings({ a: 'ours', b: 'ours' }))
    const patch = ['patch', 'configmap', 'foreign', '-p', '{"data":{"a":"theirs"}}']
    await cluster.kubectl('-n', NAMESPACE, ...patch)
    const conflict = await cluster.engine.run('foreign', 'up', settings({ a: 'new', b: 'ours' }))
    expect(conflict.error).toMatch(/conflict with "kubectl-patch".*\.data\.a/s)
    expect(conflict.error).toContain('pulumi.com/patchForce')
    await cluster.engine.run('foreign', 'up', settings({ b: 'ours' }))
    expect(await cluster.kubectl('-n', NAMESPACE, 'get', 'cm', 'foreign', '-o', path)).toBe(
      '{"a":"theirs","b":"ours"}',
    )
    await cluster.engine.run('foreign', 'destroy', nothing)
  })

  test('was never asked: only the named context of the kubeconfig is', () => {
    expect(cluster.callsToOther).toBe(0)
  })
})

describe('without a cluster', () => {
  const away = () => {
    const { kubeconfig } = cluster
    const provider = new kubernetes.Provider('other', { kubeconfig, context: 'other' })
    const namespace = new kubernetes.core.v1.Namespace('ns', {}, { provider })
    const metadata = { namespace: namespace.metadata.name }
    new kubernetes.core.v1.ConfigMap('cm', { metadata, data: {} }, { provider })
  }

  test('a preview renders what it can and warns once', async () => {
    const outcome = await cluster.engine.run('away', 'preview', away)
    expect(outcome.error).toBeUndefined()
    expect(outcome.operations).toMatchObject({ ns: ['create'], cm: ['create'] })
    const [, diagnostics = ''] = outcome.output.split('Diagnostics:')
    expect(diagnostics.match(/warning: the cluster at/g)).toHaveLength(1)
  })

  test('a preview that may only render contacts nothing', async () => {
    const before = cluster.callsToOther
    const env = { SERANTAU_RENDER_ONLY: '1' }
    const outcome = await cluster.engine.run('away', 'preview', away, { env })
    expect(outcome.operations).toMatchObject({ ns: ['create'], cm: ['create'] })
    expect(cluster.callsToOther).toBe(before)
  })

  test('an update says that the cluster cannot be reached', async () => {
    const outcome = await cluster.engine.run('away', 'up', away)
    expect(outcome.error).toMatch(/the cluster at 127\.0\.0\.1:\d+ cannot be reached/)
  })
})
