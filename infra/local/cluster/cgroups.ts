import { mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const ROOT = '/sys/fs/cgroup'

/** The one hierarchy of cgroup v2, or each of v1. */
async function hierarchies(): Promise<string[]> {
  const entries = await readdir(ROOT, { withFileTypes: true }).catch(() => [])
  if (entries.some(({ name }) => name === 'cgroup.controllers')) return [ROOT]
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(ROOT, name))
}

/** The node's own programs, beside `kubepods`: one place to see and count them. */
const NODE = 'node'

/** Makes `<name>`, under which the kubelet puts pods, and moves PID 1 of the node beside them. */
export async function makeCgroups(name: string, pid: number): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const cgroup = join(hierarchy, name)
    for (const [parent, child] of [
      [hierarchy, cgroup],
      [cgroup, join(cgroup, NODE)],
    ] as const) {
      await mkdir(child, { recursive: true })
      // A v1 cpuset starts with no processor at all, and takes no process.
      for (const file of ['cpuset.cpus', 'cpuset.mems']) await inherit(parent, child, file)
    }
    await writeFile(join(cgroup, NODE, 'cgroup.procs'), String(pid))
  }
}

async function inherit(parent: string, child: string, file: string): Promise<void> {
  const value = await readFile(join(parent, file), 'utf8').catch(() => undefined)
  if (value?.trim()) await writeFile(join(child, file), value)
}

/** cgroups outlive their processes: removed from the leaves up, in each hierarchy. */
export async function removeCgroups(name: string): Promise<void> {
  await Promise.all((await hierarchies()).map((hierarchy) => removeTree(join(hierarchy, name))))
}

async function removeTree(cgroup: string): Promise<void> {
  const entries = await readdir(cgroup, { withFileTypes: true }).catch(() => undefined)
  if (!entries) return
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(cgroup, entry.name))
  for (let tries = 0; ; tries++) {
    try {
      return await rmdir(cgroup)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      // Its last process may still be on the way out.
      if (code !== 'EBUSY' || tries > 100) throw error
      await sleep(20)
    }
  }
}
