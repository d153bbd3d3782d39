import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Report, asStep } from '../../progress.ts'
import { ensureSystemPackages } from '../system-packages.ts'
import { ensureTool } from '../toolchain.ts'
import { type Addresses, addressesOf } from './addresses.ts'
import { ensureState } from './allocate.ts'
import { connect } from './api.ts'
import { bootstrapObjects } from './bootstrap.ts'
import { removeCgroups } from './cgroups.ts'
import { configFiles, nodeName } from './configs.ts'
import { importInto } from './images.ts'
import { type Archive, programArchive } from './oci-archive.ts'
import { type Part, apiAddress, partsOf } from './parts.ts'
import { ADMIN, ensureCertificates, kubeconfig } from './pki.ts'
import * as ready from './ready.ts'
import { type Sandbox, createSandbox, destroySandbox, findSandbox, removeLink } from './sandbox.ts'
import { clusterFolder, hostNames } from './state.ts'

const CLIENTS = ['kubelet', 'controller-manager', 'scheduler', 'kube-proxy']

interface Tools {
  sandbox: string
  kubernetes: string
  'network-policy': string
  coredns: string
}

/** Everything that decides how the node looks; a node that looks otherwise is made anew. */
interface Plan {
  name: string
  folder: string
  addresses: Addresses
  parts: Part[]
  tools: Tools
  pause: Archive
  dns: Archive
  digest: string
}

/** Brings the cluster from whatever state it is in to Ready. The caller holds its lock. */
export async function bringUp(name: string, report: Report): Promise<void> {
  await ensureSystemPackages(report)
  const tools = await ensureTools(report)
  const running = await findSandbox(clusterFolder(name))
  const state = await ensureState(name, running !== undefined)
  const plan = await makePlan(name, addressesOf(state.index), tools)
  const sandbox = await asStep(
    report,
    `start cluster ${name}`,
    `a Kubernetes node in namespaces of its own, addresses ${plan.addresses.range}`,
    () => ensureSandbox(plan, running),
  )
  const what = 'API server, node, cluster DNS and policy enforcer are asked until all answer'
  await asStep(report, `wait for cluster ${name}`, what, () => becomeReady(plan, sandbox))
}

/** One after the other: each build uses all cores. */
async function ensureTools(report: Report): Promise<Tools> {
  return {
    sandbox: await ensureTool('sandbox', report),
    kubernetes: await ensureTool('kubernetes', report),
    'network-policy': await ensureTool('network-policy', report),
    coredns: await ensureTool('coredns', report),
  }
}

async function makePlan(name: string, addresses: Addresses, tools: Tools): Promise<Plan> {
  const folder = clusterFolder(name)
  const [pause, dns] = await Promise.all([
    programArchive({ name: 'serantau.local/pause', program: tools.sandbox, args: ['pause'] }),
    programArchive({ name: 'serantau.local/coredns', program: tools.coredns, args: [] }),
    ensureCertificates(folder, tools.sandbox, addresses, nodeName(name)),
  ])
  const token = await enforcerToken(folder)
  const files = {
    ...configFiles(addresses, name, pause.reference, token),
    ...(await kubeconfigs(folder, addresses, name)),
    'enforcer/ca.crt': await readFile(join(folder, 'pki', 'ca.crt'), 'utf8'),
  }
  await Promise.all(
    Object.entries(files).map(([file, text]) => writeWhole(join(folder, 'config', file), text)),
  )
  const admin = await kubeconfig(folder, ADMIN, `https://${apiAddress(addresses)}`, nodeName(name))
  await writeWhole(join(folder, 'kubeconfig'), admin)
  const parts = partsOf(addresses, nodeName(name))
  const server = await readFile(join(folder, 'pki', 'apiserver.crt'), 'utf8')
  const digest = digestOf({ parts, tools, files, server })
  return { name, folder, addresses, parts, tools, pause, dns, digest }
}

/** A fixed token, because the enforcer can neither log in with a certificate nor renew one. */
async function enforcerToken(folder: string): Promise<string> {
  const known = await readFile(join(folder, 'config', 'enforcer', 'token'), 'utf8').catch(() => '')
  return known === '' ? randomBytes(32).toString('hex') : known
}

async function kubeconfigs(
  folder: string,
  addresses: Addresses,
  name: string,
): Promise<Record<string, string>> {
  const server = `https://${apiAddress(addresses)}`
  const entries = CLIENTS.map(async (client) => [
    `${client}.kubeconfig`,
    await kubeconfig(folder, client, server, nodeName(name)),
  ])
  return Object.fromEntries(await Promise.all(entries)) as Record<string, string>
}

/** Keeps a sandbox that looks as planned; else clears what is left of the last and makes one. */
async function ensureSandbox(plan: Plan, running: Sandbox | undefined): Promise<Sandbox> {
  const made = join(plan.folder, 'made')
  const before = await readFile(made, 'utf8').catch(() => '')
  if (running && before === plan.digest) return running
  await endSandbox(plan.name)
  await writeWhole(made, '')
  const { link, cgroup } = hostNames(plan.name)
  const { folder, addresses, parts, tools } = plan
  const hostname = nodeName(plan.name)
  const spec = { folder, hostname, link, cgroup, addresses, parts, tools }
  const sandbox = await createSandbox(spec).catch(async (error: unknown) => {
    await endSandbox(plan.name)
    throw error
  })
  // Written last: a start that was killed half-way leaves a sandbox that the next one replaces.
  await writeWhole(made, plan.digest)
  return sandbox
}

/** Ends the sandbox, if there is one, and removes what can outlive it. */
export async function endSandbox(name: string): Promise<void> {
  const sandbox = await findSandbox(clusterFolder(name))
  if (sandbox) await destroySandbox(sandbox)
  const { link, cgroup } = hostNames(name)
  await removeLink(link)
  await removeCgroups(cgroup)
}

async function becomeReady(plan: Plan, sandbox: Sandbox): Promise<void> {
  const api = await connect(plan.folder, plan.addresses.node, ADMIN)
  const objects = bootstrapObjects(plan.addresses.dns, plan.dns.reference)
  const images = async (): Promise<void> => {
    await ready.runtimeReady(sandbox)
    await importInto(sandbox, plan.pause.path, 'serantau.local/pause')
    await importInto(sandbox, plan.dns.path, 'serantau.local/coredns')
  }
  const control = async (): Promise<void> => {
    await ready.apiReady(sandbox, api)
    await ready.objectsApplied(sandbox, api, objects)
  }
  try {
    await Promise.all([images(), control()])
    await Promise.all([
      ready.nodeReady(sandbox, api, nodeName(plan.name), plan.parts),
      ready.partsAlive(sandbox, plan.parts),
      ready.enforcerReady(sandbox),
      ready.dnsReady(sandbox, plan.addresses),
    ])
  } finally {
    api.close()
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(`${file}.new`, text, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

const digestOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex')
