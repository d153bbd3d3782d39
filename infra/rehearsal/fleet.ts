import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { KitError } from '../../catalog/errors.ts'
import type { KarpenterPool } from '../../catalog/node-pool.ts'
import type { Jurisdiction } from '../../catalog/stack-file.ts'
import type { Prices } from '../nodes/plan.ts'
import type { LocalCluster } from '../local/cluster.ts'
import { type Sandbox, findSandbox } from '../local/cluster/sandbox.ts'
import { clusterFolder } from '../local/cluster/state.ts'
import { ensureTool } from '../local/toolchain.ts'
import { type CrdSource, crdFiles } from '../local/toolchain/crds.ts'
import { type Report, asStep } from '../progress.ts'
import { type Kubectl, kubectlOf } from './kubectl.ts'
import { type NodeProcess, startInside } from './node-process.ts'
import { simulatedCloud } from './simulated-cloud.ts'

export interface FleetArgs {
  /** A cluster that runs. */
  cluster: LocalCluster
  pools: readonly KarpenterPool[]
  jurisdiction: Jurisdiction
  /** Money an hour of one card. */
  prices?: Prices
  /** How long a machine takes to join, as Kubernetes writes durations; default: at once. */
  joinsAfter?: string
}

/** The real Karpenter on a simulated cloud, whose machines kwok plays. */
export interface Fleet {
  kubectl: Kubectl
  /** Paths of the logs. */
  logs: readonly string[]
  /** Fails with CLUSTER_START_FAILED when one of the programs has ended. */
  check(): Promise<void>
  /** The cloud sells nothing in the zone any more. Resolves when Karpenter knows; machines stay. */
  closeZone(zone: string): Promise<void>
  /** The cloud sells in all zones again. */
  openZones(): Promise<void>
  /** Ends the programs; objects and nodes stay in the cluster. Resolves when none is left. */
  stop(): Promise<void>
}

/** What a Karpenter pool of a rehearsal refers to, whatever node class its cloud has. */
export const SIMULATED_NODE_CLASS: KarpenterPool['nodeClassRef'] = {
  group: 'karpenter.kwok.sh',
  kind: 'KWOKNodeClass',
  name: 'default',
}
/** On a node that kwok plays, and on no other: the real node is left alone. */
export const SIMULATED = { key: 'kwok.x-k8s.io/node', value: 'fake' } as const

const SYSTEM_NAMESPACE = 'karpenter'
/** Addresses for benchmarks (RFC 2544): no network has them, and the simulated pods answer to none. */
const POD_RANGE = '198.18.0.0/15'
const PATIENCE_MS = 60_000
const POLL_MS = 100

/**
 * Installs the definitions of Karpenter and its simulated cloud, and starts both programs. Resolves when
 * Karpenter takes NodePools. Fails with CLUSTER_DOWN, CLUSTER_START_FAILED and the toolchain's codes.
 */
export async function startFleet(args: FleetArgs, report: Report): Promise<Fleet> {
  const { cluster } = args
  const sandbox = await findSandbox(clusterFolder(cluster.name))
  if (!sandbox) throw clusterDown(cluster.name)
  const kubectl = kubectlOf(await ensureTool('kubernetes', report), cluster.kubeconfig)
  const tools = {
    kwok: await ensureTool('kwok', report),
    karpenter: await ensureTool('karpenter-kwok', report),
  }
  await installDefinitions(kubectl, ['karpenter', 'karpenter-kwok'], report)
  await kubectl.apply(nodeClass(args.joinsAfter))
  const folder = join(clusterFolder(cluster.name), 'rehearsal')
  return asStep(report, 'start the fleet', 'Karpenter, and the cloud that it buys from', () =>
    startPrograms({ ...args, sandbox, folder, tools, kubectl }),
  )
}

/** Applies the definitions of others as they are published, and waits until the API server serves them. */
export async function installDefinitions(
  kubectl: Kubectl,
  sources: readonly CrdSource[],
  report: Report,
): Promise<void> {
  for (const source of sources) {
    const files = await crdFiles(source, report)
    await kubectl.applyFiles(...files)
    const given = files.flatMap((file) => ['-f', file])
    await kubectl('wait', '--for=condition=Established', '--timeout=60s', ...given)
  }
}

const nodeClass = (joinsAfter: string | undefined) => ({
  apiVersion: `${SIMULATED_NODE_CLASS.group}/v1alpha1`,
  kind: SIMULATED_NODE_CLASS.kind,
  metadata: { name: SIMULATED_NODE_CLASS.name },
  spec: joinsAfter === undefined ? {} : { nodeRegistrationDelay: joinsAfter },
})

interface Start extends FleetArgs {
  sandbox: Sandbox
  folder: string
  tools: { kwok: string; karpenter: string }
  kubectl: Kubectl
}

async function startPrograms(start: Start): Promise<Fleet> {
  const { sandbox, folder, kubectl } = start
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const closed = new Set<string>()
  const running: Partial<Record<'kwok' | 'karpenter', NodeProcess>> = {}
  const check = async () => {
    for (const program of Object.values(running)) await program.check()
  }
  const stop = async () =>
    void (await Promise.all(Object.values(running).map((program) => program.stop())))
  /** It reads what the cloud sells at its start alone. */
  const restartKarpenter = async () => {
    await running.karpenter?.stop()
    const types = await writeInstanceTypes(start, closed)
    running.karpenter = await startInside(sandbox, folder, karpenter(start, types))
    await untilAnswers(start, check)
  }
  try {
    running.kwok = await startInside(sandbox, folder, kwok(start))
    await restartKarpenter()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    kubectl,
    logs: Object.values(running).map(({ log }) => log),
    check,
    stop,
    closeZone: (zone) => {
      closed.add(zone)
      return restartKarpenter()
    },
    openZones: () => {
      closed.clear()
      return restartKarpenter()
    },
  }
}

async function writeInstanceTypes(
  { folder, pools, jurisdiction, prices = {} }: Start,
  closed: ReadonlySet<string>,
): Promise<string> {
  const path = join(folder, 'instance-types.json')
  const types = simulatedCloud(pools, jurisdiction, prices, closed)
  await writeFile(path, JSON.stringify(types, null, 2), { mode: 0o600 })
  return path
}

const kwok = ({ tools, cluster }: Start) => ({
  name: 'kwok',
  program: tools.kwok,
  args: [
    `--kubeconfig=${cluster.kubeconfig}`,
    `--manage-nodes-with-annotation-selector=${SIMULATED.key}=${SIMULATED.value}`,
    `--cidr=${POD_RANGE}`,
    '--node-lease-duration-seconds=40',
  ],
})

const METRICS_PORT = 18_080
const HEALTH_PORT = 18_081

const karpenter = ({ tools, cluster }: Start, types: string) => ({
  name: 'karpenter',
  program: tools.karpenter,
  args: [],
  env: {
    KUBECONFIG: cluster.kubeconfig,
    SYSTEM_NAMESPACE,
    DISABLE_LEADER_ELECTION: 'true',
    INSTANCE_TYPES_FILE_PATH: types,
    METRICS_PORT: `${METRICS_PORT}`,
    HEALTH_PROBE_PORT: `${HEALTH_PORT}`,
  },
})

async function untilAnswers({ cluster, folder }: Start, check: () => Promise<void>): Promise<void> {
  const url = `http://${cluster.nodeAddress}:${HEALTH_PORT}/readyz`
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    await check()
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok) return
  }
  throw new KitError('CLUSTER_START_FAILED', {
    path: 'karpenter',
    expected: `that it is ready within ${PATIENCE_MS / 1000} s`,
    got: `no such answer at ${url}`,
    fix: `read ${join(folder, 'karpenter.log')}, then run the command again`,
  })
}

const clusterDown = (name: string) =>
  new KitError('CLUSTER_DOWN', {
    path: `cluster ${name}`,
    expected: 'a running cluster to rehearse in',
    got: 'a cluster that is down',
    fix: 'run `npm run up`',
  })
