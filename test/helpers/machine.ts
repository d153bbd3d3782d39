import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What `up` may add to a machine and `down` must take away. */
export async function listMachine(): Promise<Record<string, string[]>> {
  const [links, routes, rules, nft, mounts, cgroups] = await Promise.all([
    lines('ip', ['-o', 'link', 'show']),
    lines('ip', ['route', 'show', 'table', 'all']),
    lines('iptables-save', []),
    lines('nft', ['list', 'tables']),
    readFile('/proc/self/mounts', 'utf8'),
    serantauCgroups(),
  ])
  return {
    links: links.map((line) => line.split(':')[1]?.trim() ?? line),
    routes,
    rules: rules.filter((line) => line.startsWith('-A')),
    tables: nft,
    mounts: mounts.split('\n').filter((line) => line.includes('serantau')),
    cgroups,
  }
}

async function lines(command: string, args: string[]): Promise<string[]> {
  const { stdout } = await run(command, args).catch(() => ({ stdout: '' }))
  return stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .sort()
}

async function serantauCgroups(): Promise<string[]> {
  const root = '/sys/fs/cgroup'
  const controllers = await readdir(root).catch(() => [] as string[])
  const found = await Promise.all(
    [root, ...controllers.map((name) => join(root, name))].map(async (folder) => {
      const entries = await readdir(folder).catch(() => [] as string[])
      return entries
        .filter((entry) => entry.includes('serantau'))
        .map((entry) => join(folder, entry))
    }),
  )
  return found.flat().sort()
}

/** Ids of the processes of an embedded cluster whose command line matches. */
export async function processesOf(cluster: string, commandLine: RegExp): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [cgroup, command] = await Promise.all([
        readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => ''),
        readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
      ])
      const line = command.replaceAll('\0', ' ').trim()
      const ours = cgroup.includes(`/serantau-${cluster}`) || line.includes(`clusters/${cluster}/`)
      return ours && line !== '' && commandLine.test(line) ? Number(pid) : undefined
    }),
  )
  return found.filter((pid) => pid !== undefined)
}
