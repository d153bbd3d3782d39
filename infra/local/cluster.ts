import { access, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { KitError } from '../../catalog/errors.ts'
import { type Report, asStep } from '../progress.ts'
import { addressesOf } from './cluster/addresses.ts'
import { nodeName } from './cluster/configs.ts'
import { importInto } from './cluster/images.ts'
import { NODE_FOLDER } from './cluster/parts.ts'
import { findSandbox, partStates } from './cluster/sandbox.ts'
import { bringUp, endSandbox } from './cluster/start.ts'
import { type ClusterState, clusterFolder, clustersFolder, readState } from './cluster/state.ts'
import { withLock } from './lock.ts'

/** The embedded cluster: a whole Kubernetes on this machine. */
export interface LocalCluster {
  name: string
  /** Path, readable by root alone. */
  kubeconfig: string
  context: string
  nodeAddress: string
  /** Where requests from this machine come from, as pods and policies see it. */
  hostAddress: string
  /** A free ClusterIP that the gateway's Service may ask for. */
  gatewayServiceIp: string
  /** `weightsFolder(name)` as a hostPath volume names it. */
  nodeWeightsFolder: string
}

export interface ClusterDescription {
  state: 'running' | 'degraded' | 'down'
  parts: Record<string, 'running' | 'dead'>
  cluster?: LocalCluster
}

/** How long a second command on the same cluster waits for the first. */
const LOCK_WAIT_MS = 2000

/**
 * Starts the cluster, heals what was killed, starts again after a reboot; changes nothing when all
 * runs. Resolves at Ready. Fails with NOT_ROOT, LOCKED, PORT_TAKEN, STATE_INCOMPATIBLE,
 * CLUSTER_START_FAILED and the toolchain's codes.
 */
export async function startCluster(name: string, report: Report): Promise<LocalCluster> {
  requireRootOnLinux()
  return withClusterLock(name, async () => {
    await readState(name)
    await bringUp(name, report)
    return describe((await readState(name))!)
  })
}

/** Ends and removes all that `startCluster` made; without `purge` its data stays for the next start. */
export async function stopCluster(
  name: string,
  report: Report,
  options: { purge?: boolean } = {},
): Promise<void> {
  requireRootOnLinux()
  await withClusterLock(name, async () => {
    const folder = clusterFolder(name)
    const made = await access(folder).then(
      () => true,
      () => false,
    )
    if (!made && !(await findSandbox(folder))) return
    await asStep(
      report,
      `stop cluster ${name}`,
      'all of it at once, by its first process',
      async () => {
        await endSandbox(name)
        if (options.purge ?? true) await rm(folder, { recursive: true, force: true })
      },
    )
  })
}

const PartsSchema = z.array(z.looseObject({ name: z.string(), args: z.array(z.string()) }))

/** Looks and changes nothing. */
export async function describeCluster(name: string): Promise<ClusterDescription> {
  const state = await readState(name)
  if (!state) return { state: 'down', parts: {} }
  const cluster = describe(state)
  const sandbox = process.platform === 'linux' ? await findSandbox(clusterFolder(name)) : undefined
  const file = join(clusterFolder(name), 'parts.json')
  const wanted = PartsSchema.parse(JSON.parse(await readFile(file, 'utf8').catch(() => '[]')))
  const alive = sandbox ? await partStates(sandbox, wanted) : new Map<string, number>()
  const parts = Object.fromEntries(
    wanted.map((part) => [part.name, alive.has(part.name) ? 'running' : 'dead'] as const),
  )
  const whole = wanted.length > 0 && alive.size === wanted.length
  return { state: !sandbox ? 'down' : whole ? 'running' : 'degraded', parts, cluster }
}

/** Puts an OCI archive into the node, so that pods may use `name@sha256:<manifest digest>`. */
export async function importImage(
  cluster: LocalCluster,
  archive: string,
  name: string,
): Promise<void> {
  const sandbox = await findSandbox(clusterFolder(cluster.name))
  if (sandbox) return void (await importInto(sandbox, archive, name))
  throw new KitError('CLUSTER_DOWN', {
    path: `cluster ${cluster.name}`,
    expected: 'a running cluster to put the image into',
    got: 'a cluster that is down',
    fix: 'run `npm run up`',
  })
}

/** Folder on this machine whose files pods see in a hostPath volume over `nodeWeightsFolder`. */
export const weightsFolder = (name: string): string => join(clusterFolder(name), 'weights')

function describe({ name, index }: ClusterState): LocalCluster {
  const { node, host, gateway } = addressesOf(index)
  return {
    name,
    kubeconfig: join(clusterFolder(name), 'kubeconfig'),
    context: nodeName(name),
    nodeAddress: node,
    hostAddress: host,
    gatewayServiceIp: gateway,
    nodeWeightsFolder: `${NODE_FOLDER}/weights`,
  }
}

const withClusterLock = <T>(name: string, work: () => Promise<T>): Promise<T> =>
  withLock(join(clustersFolder(), `${name}.lock`), `cluster ${name}`, LOCK_WAIT_MS, work)

function requireRootOnLinux(): void {
  const root = process.getuid?.() === 0
  if (process.platform === 'linux' && root) return
  throw new KitError('NOT_ROOT', {
    path: 'cluster.kind: local',
    expected: 'root on Linux',
    got: process.platform === 'linux' ? `user id ${process.getuid?.()}` : process.platform,
    fix: 'run the command as root, or start a cluster with kind, minikube or k3d and set `cluster: {kind: existing, context: <its context>}` in the stack file',
  })
}
