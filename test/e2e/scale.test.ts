import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { UpResult } from '../../infra/up.ts'
import { readStream } from '../campaign/read-stream.ts'
import { scaleFromZero } from '../campaign/scale-from-zero.ts'
import { kubectl as runKubectl } from '../helpers/kubectl.ts'
import { TestProject } from '../helpers/project.ts'
import { until } from '../helpers/roles.ts'
import { tellPodsOfFailed } from '../helpers/tell-pods.ts'

const CLUSTER = 'scale-test'
const SMOL = 'smollm2-135m-instruct'
const DEPLOYMENT = `model-${SMOL}`
const STACK = `config:
  serantau:jurisdiction: { country: MY, regions: [] }
  serantau:cluster: { kind: local, name: ${CLUSTER} }
  serantau:gatewayReplicas: 2
  serantau:models:
    - { id: ${SMOL}, replicas: { min: 0, max: 2, idleSeconds: 5 } }
`

describe('a model that the gateways scale between none and two', () => {
  let project: TestProject
  let endpoint: string
  let key: string
  const kubectl = (...args: string[]) => {
    const kubeconfig = join(project.home, 'clusters', CLUSTER, 'kubeconfig')
    return runKubectl('--kubeconfig', kubeconfig, '-n', 'serantau', ...args)
  }
  const replicas = () => kubectl('get', 'deployment', DEPLOYMENT, '-o', 'jsonpath={.spec.replicas}')
  const ask = (maxTokens: number) =>
    readStream(endpoint, key, { model: SMOL, prompt: 'Name the capital of France.', maxTokens })

  beforeAll(async () => {
    project = await TestProject.create()
    await writeFile(project.stackFile('local'), STACK)
    const result = await project.json<UpResult>(['up'])
    endpoint = result.outputs.endpoint
    key = (await readFile(result.keyFile ?? '', 'utf8')).trim()
  })
  afterAll(async () => {
    await project.run(['down', '--yes'])
    await project.remove()
  })
  tellPodsOfFailed(() => join(project.home, 'clusters', CLUSTER, 'kubeconfig'))

  test('three times from no pod: every request that is held gets its whole answer', async () => {
    const { figures, failures } = await scaleFromZero({
      ...{ endpoint, key, model: SMOL, deployment: DEPLOYMENT, kubectl },
      ...{ cycles: 3, streams: 6, maxTokens: 16, say: () => undefined },
    })
    console.log(figures.map((row) => row.join(': ')).join('\n'))
    expect(failures).toEqual([])
  })

  test('the account of the gateway may set these replicas and write its Lease, and nothing else', async () => {
    const as = '--as=system:serviceaccount:serantau:gateway'
    const may = (...what: string[]) =>
      kubectl('auth', 'can-i', as, ...what).then(
        (said) => said.trim(),
        (error: { stdout?: string }) => error.stdout?.trim(),
      )
    const scale = ['deployments.apps', '--subresource=scale']
    const scaleOf = (name: string) => [`deployments.apps/${name}`, '--subresource=scale']
    const lease = (name: string) => `leases.coordination.k8s.io/${name}`
    const rights: [string[], string][] = [
      [['patch', ...scaleOf(DEPLOYMENT)], 'yes'],
      [['get', ...scaleOf(DEPLOYMENT)], 'yes'],
      [['patch', lease('gateway-scaling')], 'yes'],
      [['patch', ...scaleOf('gateway')], 'no'],
      [['patch', ...scale], 'no'],
      [['patch', `deployments.apps/${DEPLOYMENT}`], 'no'],
      [['get', `deployments.apps/${DEPLOYMENT}`], 'no'],
      [['patch', lease('other')], 'no'],
      [['get', 'secrets'], 'no'],
      [['list', 'pods'], 'no'],
    ]
    for (const [what, expected] of rights) {
      expect([what, await may(...what)]).toEqual([what, expected])
    }
  })

  test('`up` again changes nothing, whatever number of pods there is', async () => {
    await until(async () => (await replicas()) === '0', 'no replica', 120_000)
    const { changes } = await project.json<UpResult & { changes?: Record<string, number> }>(['up'])
    expect(Object.keys(changes ?? {}).filter((op) => op !== 'same')).toEqual([])
    expect(await replicas()).toBe('0')
  })

  test('many requests get a second pod', async () => {
    // More than the four slots of a pod and the four that may wait for it.
    const asked = Array.from({ length: 12 }, () => ask(64))
    await until(async () => (await replicas()) === '2', 'two replicas', 60_000)
    for (const { finish, tokens, done } of await Promise.all(asked)) {
      expect([finish, tokens, done]).toEqual(['length', 64, true])
    }
  })

  test('a drain of the node ends: the stream of the last pod comes whole, later requests wait', async () => {
    await until(async () => (await replicas()) === '0', 'no replica', 120_000)
    const node = (await kubectl('get', 'nodes', '-o', 'name')).trim().replace('node/', '')
    const first = ask(400)
    await kubectl('wait', '--for=condition=Available', `deployment/${DEPLOYMENT}`, '--timeout=60s')
    await kubectl(
      ...['drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=120s'],
      `--pod-selector=app.kubernetes.io/instance=${DEPLOYMENT}`,
    )
    const { finish, tokens, done } = await first
    expect([finish, tokens, done]).toEqual(['length', 400, true])
    const held = ask(8)
    await kubectl('uncordon', node)
    expect(await held).toMatchObject({ status: 200, finish: 'length', tokens: 8, done: true })
  })
})
