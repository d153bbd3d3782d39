import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError, run } from '../command.ts'
import { listProcesses, namespaceOf, processStart } from '../process-table.ts'
import type { Addresses } from './addresses.ts'
import { rangeTaken } from './allocate.ts'
import { makeCgroups } from './cgroups.ts'
import { type Part, QUEUE } from './parts.ts'

/**
 * The node is a sandbox as kind's is, without Docker: its own PID, mount, network, IPC and UTS
 * namespaces under one PID 1. Why: docs/decisions/0002-node-sandbox.md.
 */
export interface Sandbox {
  /** PID 1 of the sandbox, as the host numbers it. */
  pid: number
  folder: string
}

export async function findSandbox(folder: string): Promise<Sandbox | undefined> {
  const ours = await namespaceOf(process.pid, 'pid')
  for (const { pid, argv } of await listProcesses()) {
    if (argv[1] !== 'init' || argv[2] !== folder || argv.length !== 4) continue
    const theirs = await namespaceOf(pid, 'pid')
    if (theirs !== undefined && theirs !== ours) return { pid, folder }
  }
  return undefined
}

/** Which of the parts live, found by their exact arguments among the sandbox's processes. */
export async function partStates(sandbox: Sandbox, parts: Part[]): Promise<Map<string, number>> {
  const inside = await processesOf(sandbox)
  const states = new Map<string, number>()
  for (const part of parts) {
    const row = inside.find(({ argv }) => argv.join('\0') === part.args.join('\0'))
    if (row) states.set(part.name, row.pid)
  }
  return states
}

async function processesOf(sandbox: Sandbox): Promise<{ pid: number; argv: string[] }[]> {
  const wanted = await namespaceOf(sandbox.pid, 'pid')
  const rows = await Promise.all(
    (await listProcesses()).map(async (row) => ({ row, space: await namespaceOf(row.pid, 'pid') })),
  )
  return rows.filter(({ space }) => space !== undefined && space === wanted).map(({ row }) => row)
}

export const insideArgs = (sandbox: Sandbox, program: string, args: string[]): string[] => [
  `--target=${sandbox.pid}`,
  '--pid',
  '--mount',
  '--net',
  '--uts',
  '--ipc',
  '--',
  program,
  ...args,
]

/** Runs a program with the sandbox's mounts and network. */
export function runInside(
  sandbox: Sandbox,
  program: string,
  args: string[],
  options: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  return run('nsenter', insideArgs(sandbox, program, args), options)
}

export interface SandboxSpec {
  folder: string
  hostname: string
  /** Names of what it has on the host. */
  link: string
  cgroup: string
  addresses: Addresses
  parts: Part[]
  /** Paths on the host. */
  tools: { sandbox: string; kubernetes: string; 'network-policy': string }
}

/** Makes the namespaces, furnishes them, joins them to the host and lets the parts start. */
export async function createSandbox(spec: SandboxSpec): Promise<Sandbox> {
  const { folder, addresses } = spec
  await Promise.all(
    ['parts.json', 'entered'].map((file) => rm(join(folder, file), { force: true })),
  )
  await mkdir(join(folder, 'log'), { recursive: true, mode: 0o700 })
  const pid = Number(await run(spec.tools.sandbox, ['create', folder, spec.hostname]))
  const sandbox = { pid, folder }
  await awaitEntered(sandbox)
  await makeCgroups(spec.cgroup, pid)
  await joinToHost(sandbox, spec.link, addresses)
  const script = await readFile(join(import.meta.dirname, 'setup.sh'), 'utf8')
  await runInside(sandbox, 'sh', ['-s'], { input: script, env: setupEnvironment(spec) })
  await writeFile(join(folder, 'parts.json.new'), JSON.stringify(spec.parts, null, 2), {
    mode: 0o600,
  })
  await rename(join(folder, 'parts.json.new'), join(folder, 'parts.json'))
  return sandbox
}

const setupEnvironment = ({ folder, addresses, tools }: SandboxSpec): NodeJS.ProcessEnv => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  FOLDER: folder,
  TOOLS: `kubernetes=${tools.kubernetes} network-policy=${tools['network-policy']}`,
  NODE: addresses.node,
  PODS: addresses.pods,
  QUEUE: String(QUEUE),
})

/** Before it has entered, the mount namespace still shares its mounts with the host. */
async function awaitEntered(sandbox: Sandbox): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const file = await open(join(sandbox.folder, 'entered')).catch(() => undefined)
    if (file) return file.close()
    await sleep(10)
  }
  throw new Error(`the sandbox did not start; see ${join(sandbox.folder, 'log', 'init.log')}`)
}

async function joinToHost({ pid }: Sandbox, link: string, addresses: Addresses): Promise<void> {
  const { node, host, services, pods, range } = addresses
  const batch = [
    `link add ${link} type veth peer name eth0 netns ${pid}`,
    `address add ${host}/24 dev ${link}`,
    `link set ${link} up`,
    `route add ${services} via ${node} dev ${link}`,
    `route add ${pods} via ${node} dev ${link}`,
  ]
  try {
    await run('ip', ['-batch', '-'], { input: batch.join('\n') })
  } catch (error) {
    // Another start took the range since we looked.
    if (error instanceof CommandError && /File exists/.test(error.output)) {
      await removeLink(link)
      throw rangeTaken(range, 'another start')
    }
    throw error
  }
}

/**
 * Ends the sandbox: with PID 1 the kernel ends all its processes, mounts, links and packet rules.
 * Nothing is asked to end by itself: every part must survive a power cut anyhow.
 */
export async function destroySandbox({ pid }: Sandbox): Promise<void> {
  const start = await processStart(pid)
  if (start === undefined) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
  while ((await processStart(pid)) === start) await sleep(20)
}

/** The kernel removes the link with the namespace, but a moment later: a new start must not meet it. */
export async function removeLink(link: string): Promise<void> {
  try {
    await run('ip', ['link', 'delete', link])
  } catch (error) {
    if (!(error instanceof CommandError) || !/Cannot find device/.test(error.output)) throw error
  }
}
