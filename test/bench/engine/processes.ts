import { readFile, readdir } from 'node:fs/promises'

/** What the processes of an arm take while a case runs. */
export interface Taken {
  /** Highest sum of their proportional memory, MiB. */
  peakMiB: number
  cpuSeconds: number
  /** Of this process, which is the client. */
  clientCpuSeconds: number
  /** Of everything else on the machine: what disturbed the figures. */
  otherCpuSeconds: number
}

/** USER_HZ of Linux. */
const TICKS_A_SECOND = 100
/** Reading it holds up the process that it is about for milliseconds: seldom. */
const SAMPLE_MS = 1500

/** `pid` and all that descend from it. */
export async function family(pid: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const parents = new Map<number, number>()
  for (const each of pids) parents.set(each, Number((await statOf(each))?.[1] ?? 0))
  const found = [pid]
  for (const each of found) {
    for (const [child, parent] of parents) if (parent === each) found.push(child)
  }
  return found
}

/** Proportional memory, MiB: a page that several share counts once. */
export async function memoryMiB(pids: readonly number[]): Promise<number> {
  const sizes = await Promise.all(
    pids.map(async (pid) => {
      const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
      return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0)
    }),
  )
  return sizes.reduce((sum, kib) => sum + kib, 0) / 1024
}

interface CpuTimes {
  arm: number
  client: number
  machine: number
}

async function cpuTimes(pids: readonly number[]): Promise<CpuTimes> {
  const { user, system } = process.cpuUsage()
  return {
    arm: await armSeconds(pids),
    client: (user + system) / 1e6,
    machine: await busySeconds(),
  }
}

/** Of all processes since boot, with what a hypervisor took away. */
async function busySeconds(): Promise<number> {
  const line = (await readFile('/proc/stat', 'utf8')).split('\n')[0] ?? ''
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softirq + steal) / TICKS_A_SECOND
}

/** Processor time that the processes have taken so far. */
export async function armSeconds(pids: readonly number[]): Promise<number> {
  const stats = await Promise.all(pids.map(statOf))
  const ticks = stats.reduce(
    (sum, fields) => sum + Number(fields?.[11] ?? 0) + Number(fields?.[12] ?? 0),
    0,
  )
  return ticks / TICKS_A_SECOND
}

/** Watches the processes while `work` runs. */
export async function watched<T>(
  pids: readonly number[],
  work: () => Promise<T>,
): Promise<{ value: T; taken: Taken }> {
  const before = await cpuTimes(pids)
  let peakMiB = 0
  const sample = async () => {
    peakMiB = Math.max(peakMiB, await memoryMiB(pids))
  }
  const timer = setInterval(() => void sample(), SAMPLE_MS)
  try {
    const value = await work()
    await sample()
    const after = await cpuTimes(pids)
    const [cpuSeconds, clientCpuSeconds, busy] = [
      after.arm - before.arm,
      after.client - before.client,
      after.machine - before.machine,
    ]
    const otherCpuSeconds = Math.max(busy - cpuSeconds - clientCpuSeconds, 0)
    return { value, taken: { peakMiB, cpuSeconds, clientCpuSeconds, otherCpuSeconds } }
  } finally {
    clearInterval(timer)
  }
}

/** Fields of /proc/PID/stat behind the name, which may hold spaces: 0 state, 1 parent, 11 user, 12 system time. */
async function statOf(pid: number): Promise<string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}
