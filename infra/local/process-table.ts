import { readFile, readdir, readlink } from 'node:fs/promises'

export interface ProcessRow {
  pid: number
  argv: string[]
}

/** USER_HZ, the same on every architecture that we support. */
const TICKS_A_SECOND = 100

/**
 * When the process started, as a text that no other process of any boot shares; undefined: there is
 * no such process (a zombie counts as none).
 */
export async function processStart(pid: number): Promise<string | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ])
    // The name in parentheses may hold spaces: fields count from behind it. 22 is the start time.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    return `${boot.trim()}:${fields[19]}`
  } catch {
    return process.platform === 'linux' ? undefined : startElsewhere(pid)
  }
}

/** Wall-clock time of its start, cut to the second as Kubernetes writes times. */
export async function startedAt(pid: number): Promise<Date | undefined> {
  const start = await processStart(pid)
  const boot = /^btime (\d+)$/m.exec(await readFile('/proc/stat', 'utf8'))?.[1]
  if (start === undefined || boot === undefined) return undefined
  const seconds = Number(boot) + Number(start.split(':')[1]) / TICKS_A_SECOND
  return new Date(Math.floor(seconds) * 1000)
}

/** Systems without /proc only tell whether the process is there. */
function startElsewhere(pid: number): string | undefined {
  try {
    process.kill(pid, 0)
    return 'alive'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'alive' : undefined
  }
}

/** Every process with its arguments; those that end meanwhile are left out. */
export async function listProcesses(): Promise<ProcessRow[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const rows = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return { pid, argv: line.split('\0').slice(0, -1) }
    }),
  )
  return rows.filter((row) => row.argv.length > 0)
}

/** Identity of the namespace (`pid`, `net`, `mnt`...) that the process is in. */
export async function namespaceOf(pid: number, kind: string): Promise<string | undefined> {
  return readlink(`/proc/${pid}/ns/${kind}`).catch(() => undefined)
}
