import { Resolver } from 'node:dns/promises'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { KitError } from '../../../catalog/errors.ts'
import { startedAt } from '../process-table.ts'
import type { Addresses } from './addresses.ts'
import { type Api, type KubernetesObject, apply } from './api.ts'
import { type Part, QUEUE } from './parts.ts'
import { type Sandbox, partStates, runInside } from './sandbox.ts'

const POLL_MS = 100
const PATIENCE_MS = 120_000

/** Waits until `check` answers true; fails with CLUSTER_START_FAILED and the end of the part's log. */
async function until(
  sandbox: Sandbox,
  part: string,
  expected: string,
  check: () => Promise<boolean>,
): Promise<void> {
  let last = 'not yet'
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    try {
      if (await check()) return
    } catch (error) {
      last = (error as Error).message
    }
  }
  const log = join(sandbox.folder, 'log', `${part}.log`)
  throw new KitError('CLUSTER_START_FAILED', {
    path: part,
    expected: `${expected} within ${PATIENCE_MS / 1000} s`,
    got: `${last}; its log ends with: ${await tail(log)}`,
    fix: `read ${log}, then run the command again: it continues where it stopped`,
  })
}

export const apiReady = (sandbox: Sandbox, api: Api): Promise<void> =>
  until(sandbox, 'kube-apiserver', 'the API server to be ready', async () => {
    return (await api.call('GET', '/readyz')).status === 200
  })

/** Applied until all is taken: rights and namespaces appear a moment after the API server is ready. */
export const objectsApplied = (
  sandbox: Sandbox,
  api: Api,
  objects: KubernetesObject[],
): Promise<void> =>
  until(sandbox, 'kube-apiserver', "the cluster's own objects to be made", async () => {
    for (const object of objects) await apply(api, object)
    return true
  })

export const runtimeReady = (sandbox: Sandbox): Promise<void> =>
  until(sandbox, 'containerd', 'the container runtime to answer', async () => {
    await runInside(sandbox, 'ctr', ['--namespace=k8s.io', 'images', 'list', '--quiet'])
    return true
  })

/** PID 1 restarts what ends; this waits for what it is about to restart. */
export const partsAlive = (sandbox: Sandbox, parts: Part[]): Promise<void> =>
  until(sandbox, 'init', 'all parts of the node to run', async () => {
    const alive = await partStates(sandbox, parts)
    const dead = parts.filter(({ name }) => !alive.has(name)).map(({ name }) => name)
    if (dead.length > 0) throw new Error(`${dead.join(', ')} did not run`)
    return true
  })

/** The enforcer has its policies when it listens on the queue. */
export const enforcerReady = (sandbox: Sandbox): Promise<void> =>
  until(sandbox, 'network-policy', 'the policy enforcer to listen on its queue', async () => {
    const queues = await runInside(sandbox, 'cat', ['/proc/self/net/netfilter/nfnetlink_queue'])
    return queues.split('\n').some((line) => line.trim().split(/\s+/)[0] === String(QUEUE))
  })

const ConditionsSchema = z.object({
  status: z.object({
    conditions: z
      .array(z.object({ type: z.string(), status: z.string(), lastHeartbeatTime: z.coerce.date() }))
      .default([]),
  }),
})

/** Ready, and said so by the kubelet that runs now: a dead one's last word stays for a while. */
export const nodeReady = (sandbox: Sandbox, api: Api, node: string, parts: Part[]): Promise<void> =>
  until(sandbox, 'kubelet', 'the node to be Ready', async () => {
    const { status, body } = await api.call('GET', `/api/v1/nodes/${node}`)
    if (status !== 200) throw new Error(`the API server answered ${status}`)
    const word = ConditionsSchema.parse(JSON.parse(body)).status.conditions.find(
      ({ type, status }) => type === 'Ready' && status === 'True',
    )
    const kubelet = word && (await partStates(sandbox, parts)).get('kubelet')
    const since = kubelet && (await startedAt(kubelet))
    return word !== undefined && !!since && word.lastHeartbeatTime >= since
  })

/** A real question to the DNS Service: proves routes, Service rules, enforcer and pod at once. */
export function dnsReady(sandbox: Sandbox, addresses: Addresses): Promise<void> {
  const resolver = new Resolver({ timeout: 500, tries: 1 })
  resolver.setServers([addresses.dns])
  return until(sandbox, 'kubelet', 'cluster DNS to answer', async () => {
    const found = await resolver.resolve4('kubernetes.default.svc.cluster.local')
    return found.includes(addresses.kubernetes)
  })
}

async function tail(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined)
  if (!file) return '(no log)'
  try {
    const { size } = await file.stat()
    const buffer = Buffer.alloc(Math.min(size, 1500))
    await file.read(buffer, 0, buffer.length, size - buffer.length)
    return buffer.toString('utf8').trim()
  } finally {
    await file.close()
  }
}
