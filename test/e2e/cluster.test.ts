import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type LocalCluster,
  describeCluster,
  importImage,
  startCluster,
  stopCluster,
} from '../../infra/local/cluster.ts'
import { programArchive } from '../../infra/local/cluster/oci-archive.ts'
import { findSandbox, partStates } from '../../infra/local/cluster/sandbox.ts'
import { clusterFolder } from '../../infra/local/cluster/state.ts'
import type { Part } from '../../infra/local/cluster/parts.ts'
import { run } from '../../infra/local/command.ts'
import { ensureTool } from '../../infra/local/toolchain.ts'
import { listMachine } from '../helpers/machine.ts'

const report = (): void => undefined
const ONE = 'e2e-one'
const TWO = 'e2e-two'
const SETTINGS = [
  'vm/overcommit_memory',
  'kernel/panic',
  'kernel/panic_on_oops',
  'net/ipv4/ip_forward',
]

let home = ''
let one: LocalCluster
let kubernetes = ''
let image = ''
let before: Awaited<ReturnType<typeof trace>>

const kubectl = (cluster: LocalCluster, ...args: string[]): Promise<string> =>
  run(kubernetes, ['kubectl', '--kubeconfig', cluster.kubeconfig, ...args])

const apply = (cluster: LocalCluster, ...items: unknown[]): Promise<string> =>
  run(kubernetes, ['kubectl', '--kubeconfig', cluster.kubeconfig, 'apply', '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  })

async function parts(name: string): Promise<Map<string, number>> {
  const wanted = JSON.parse(
    await readFile(join(clusterFolder(name), 'parts.json'), 'utf8'),
  ) as Part[]
  const sandbox = await findSandbox(clusterFolder(name))
  return sandbox ? partStates(sandbox, wanted) : new Map()
}

/** What of this machine the clusters of this file could change. */
async function trace(): Promise<Record<string, unknown>> {
  const ours = (line: string): boolean => /serantau-e2e-|serantau-cluster-/.test(line)
  const machine = await listMachine()
  const processes = await run('ps', ['-eo', 'args'])
  return {
    rules: machine['rules'],
    tables: machine['tables'],
    mounts: machine['mounts']?.filter(ours),
    cgroups: machine['cgroups']?.filter(ours),
    processes: processes.split('\n').filter(ours),
    settings: await Promise.all(SETTINGS.map((key) => readFile(`/proc/sys/${key}`, 'utf8'))),
  }
}

const probePod = (name: string, labels: Record<string, string> = {}): unknown => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'probes', labels: { app: name, ...labels } },
  spec: {
    containers: [
      { name: 'probe', image, imagePullPolicy: 'IfNotPresent', args: ['serve', ':8080'] },
    ],
  },
})

/** What the probe in the pod said, and whether it got through. */
async function probe(pod: string, ...args: string[]): Promise<{ through: boolean; said: string }> {
  const command = ['-n', 'probes', 'exec', pod, '--', '/program', 'probe', ...args]
  return kubectl(one, ...command).then(
    (said) => ({ through: true, said }),
    (error: Error) => ({ through: false, said: error.message }),
  )
}

const through = async (pod: string, ...args: string[]): Promise<boolean> =>
  (await probe(pod, ...args)).through

/** A request of the host to the Service; a dropped connection fails after 2 s. */
async function ask(): Promise<string> {
  const signal = AbortSignal.timeout(2000)
  return (await fetch(`http://${one.gatewayServiceIp}/`, { signal })).text()
}

const ready = (): Promise<string> =>
  kubectl(one, '-n', 'probes', 'wait', '--for=condition=Ready', 'pod', '--all', '--timeout=60s')

const policy = (name: string, spec: unknown): unknown => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace: 'probes' },
  spec,
})

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'serantau-cluster-'))
  vi.stubEnv('SERANTAU_HOME', home)
  kubernetes = await ensureTool('kubernetes', report)
  before = await trace()
  one = await startCluster(ONE, report)
  const program = await ensureTool('sandbox', report)
  const archive = await programArchive({ name: 'serantau.local/probe', program, args: ['probe'] })
  await importImage(one, archive.path, 'serantau.local/probe')
  image = archive.reference
})

afterAll(async () => {
  for (const name of [ONE, TWO]) await stopCluster(name, report)
  vi.unstubAllEnvs()
  await rm(home, { recursive: true, force: true })
})

describe('the embedded cluster', () => {
  it('runs a pod that the host reaches through its Service', async () => {
    await apply(one, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'probes' } })
    await apply(one, probePod('client'), probePod('server'), {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'server', namespace: 'probes' },
      spec: {
        clusterIP: one.gatewayServiceIp,
        selector: { app: 'server' },
        ports: [{ port: 80, targetPort: 8080 }],
      },
    })
    await ready()
    // Service rules follow a ready pod a moment later, as in any cluster.
    await vi.waitFor(async () => expect(await ask()).toBe('server\n'), { timeout: 20_000 })
    const nodes = await kubectl(one, 'get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}')
    expect(nodes).toBe(one.context)
  })

  it('keeps its kubeconfig from everybody else', async () => {
    const listed = await run('stat', ['-c', '%a %U', one.kubeconfig])
    expect(listed.trim()).toBe('600 root')
  })

  it('changes nothing at a second start', async () => {
    const pids = await parts(ONE)
    expect(pids.size).toBe(8)
    expect(await startCluster(ONE, report)).toEqual(one)
    expect(await parts(ONE)).toEqual(pids)
    expect((await describeCluster(ONE)).state).toBe('running')
  })

  it('refuses a second command at the same time', async () => {
    const first = startCluster(TWO, report)
    const lock = join(home, 'clusters', `${TWO}.lock`)
    while ((await readFile(lock, 'utf8').catch(() => '')) === '') await sleep(5)
    await expect(stopCluster(TWO, report)).rejects.toMatchObject({ code: 'LOCKED' })
    await first
  })

  it('stands beside another of another name and outlives its stop', async () => {
    const { cluster: two } = await describeCluster(TWO)
    expect(two!.nodeAddress).not.toBe(one.nodeAddress)
    await kubectl(two!, 'create', 'namespace', 'only-in-two')
    expect(await kubectl(one, 'get', 'namespaces', '-o', 'name')).not.toContain('only-in-two')
    const pids = await parts(ONE)
    await stopCluster(TWO, report)
    expect((await describeCluster(TWO)).state).toBe('down')
    expect(await parts(ONE)).toEqual(pids)
    expect(await ask()).toBe('server\n')
  })
})

describe('pods of the embedded cluster', () => {
  it('reach pods, Services and the node, and nothing else', async () => {
    const listener = createServer((_, response) => response.end('host')).listen(0, '0.0.0.0')
    await new Promise((resolve) => listener.once('listening', resolve))
    const { port } = listener.address() as AddressInfo
    try {
      expect(await through('client', 'connect', 'server.probes:80')).toBe(true)
      expect(await through('client', 'connect', 'kubernetes.default:443')).toBe(true)
      expect(await through('client', 'connect', `${one.nodeAddress}:6443`)).toBe(true)
      const addresses = Object.values(networkInterfaces())
        .flatMap((list) => list ?? [])
        .filter(({ family, internal }) => family === 'IPv4' && !internal)
        .map(({ address }) => address)
      expect(addresses).toContain(one.hostAddress)
      for (const address of addresses) {
        // The host itself gets through, so it is not the listener that refuses.
        expect(await (await fetch(`http://${address}:${port}`)).text()).toBe('host')
        expect(await through('client', 'connect', `${address}:${port}`)).toBe(false)
      }
      expect(await through('client', 'connect', '1.1.1.1:443')).toBe(false)
    } finally {
      listener.close()
    }
  })

  it('resolve names of the cluster and no others', async () => {
    const inside = await probe('client', 'resolve', 'server.probes.svc.cluster.local')
    expect(inside.said).toContain(one.gatewayServiceIp)
    expect(await through('client', 'resolve', 'example.com')).toBe(false)
  })

  it('get no new connection while the policy enforcer does not answer', async () => {
    const enforcer = (await parts(ONE)).get('network-policy')!
    process.kill(enforcer, 'SIGSTOP')
    try {
      expect(await through('client', 'connect', 'server.probes:80')).toBe(false)
    } finally {
      process.kill(enforcer, 'SIGCONT')
    }
    expect(await through('client', 'connect', 'server.probes:80')).toBe(true)
  })

  it('are held to NetworkPolicy both ways, DNS by its usual labels included', async () => {
    const dns = {
      to: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
          podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
        },
      ],
      ports: [{ port: 53, protocol: 'UDP' }],
    }
    await apply(
      one,
      policy('deny', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
      policy('client', {
        podSelector: { matchLabels: { app: 'client' } },
        egress: [dns, { to: [{ podSelector: { matchLabels: { app: 'server' } } }] }],
        policyTypes: ['Egress'],
      }),
    )
    // Server takes nobody yet, neither the pod nor the host; names still resolve.
    await vi.waitFor(
      async () => expect(await through('client', 'connect', 'server.probes:80')).toBe(false),
      { timeout: 20_000 },
    )
    expect(await through('client', 'resolve', 'server.probes.svc.cluster.local')).toBe(true)
    expect(await through('server', 'resolve', 'server.probes.svc.cluster.local')).toBe(false)
    expect(await through('client', 'connect', `${one.nodeAddress}:6443`)).toBe(false)
    await expect(ask()).rejects.toThrow()
    await apply(
      one,
      policy('server', {
        podSelector: { matchLabels: { app: 'server' } },
        ingress: [
          {
            from: [
              { podSelector: { matchLabels: { app: 'client' } } },
              { ipBlock: { cidr: `${one.hostAddress}/32` } },
            ],
          },
        ],
        policyTypes: ['Ingress'],
      }),
    )
    await vi.waitFor(
      async () => expect(await through('client', 'connect', 'server.probes:80')).toBe(true),
      { timeout: 20_000 },
    )
    expect(await ask()).toBe('server\n')
    await kubectl(one, '-n', 'probes', 'delete', 'networkpolicy', '--all')
  })
})

describe('a damaged cluster', () => {
  const object = ['-n', 'probes', 'get', 'configmap', 'kept', '-o', 'jsonpath={.data.word}']

  it('heals after kill -9 of the kubelet, then of etcd, with its objects', async () => {
    await kubectl(one, '-n', 'probes', 'create', 'configmap', 'kept', '--from-literal=word=kept')
    for (const part of ['kubelet', 'etcd']) {
      const pid = (await parts(ONE)).get(part)!
      process.kill(pid, 'SIGKILL')
      await startCluster(ONE, report)
      expect((await parts(ONE)).get(part)).not.toBe(pid)
      expect((await describeCluster(ONE)).state).toBe('running')
      expect(await kubectl(one, ...object)).toBe('kept')
    }
  })

  it('is whole again after all of it was killed at once, as by a reboot', async () => {
    process.kill((await findSandbox(clusterFolder(ONE)))!.pid, 'SIGKILL')
    await vi.waitFor(async () => expect((await describeCluster(ONE)).state).toBe('down'))
    expect(await startCluster(ONE, report)).toEqual(one)
    expect(await kubectl(one, ...object)).toBe('kept')
    await vi.waitFor(
      async () => expect(await through('client', 'connect', 'server.probes:80')).toBe(true),
      { timeout: 60_000, interval: 1000 },
    )
  })

  it('is finished by the next start when a start was killed half-way', async () => {
    await stopCluster(TWO, report)
    const script = `import('${join(import.meta.dirname, '../../infra/local/cluster.ts')}')
      .then(({ startCluster }) => startCluster('${TWO}', (event) => console.log(event.step)))`
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    for await (const line of child.stdout) if (String(line).includes('start cluster')) break
    await sleep(50)
    child.kill('SIGKILL')
    await ended
    await startCluster(TWO, report)
    expect((await describeCluster(TWO)).state).toBe('running')
  })
})

describe('stop', () => {
  it('leaves nothing of ours on the machine and nothing of the machine changed', async () => {
    const during = await trace()
    expect(during['cgroups']).not.toEqual([])
    expect(during['processes']).not.toEqual([])
    const links = async (): Promise<string> => run('ip', ['-brief', 'address'])
    expect(await links()).toContain(one.hostAddress)
    await stopCluster(ONE, report)
    await stopCluster(TWO, report)
    expect(await trace()).toEqual(before)
    expect(await links()).not.toContain(one.hostAddress)
    expect(await run('ls', ['-A', join(home, 'clusters')])).toBe('')
  })

  it('keeps the data when it is told to, and the next start says who took its addresses meanwhile', async () => {
    const cluster = await startCluster(ONE, report)
    await kubectl(cluster, 'create', 'namespace', 'kept')
    await stopCluster(ONE, report, { purge: false })
    expect((await describeCluster(ONE)).state).toBe('down')
    const rival = `${cluster.nodeAddress}/32`
    await run('ip', ['route', 'add', 'blackhole', rival])
    try {
      await expect(startCluster(ONE, report)).rejects.toMatchObject({ code: 'PORT_TAKEN' })
    } finally {
      await run('ip', ['route', 'delete', 'blackhole', rival])
    }
    await startCluster(ONE, report)
    expect(await kubectl(cluster, 'get', 'namespace', 'kept', '-o', 'name')).toContain('kept')
  })
})
