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

async function cpuTimes(armSecondsSoFar: () => Promise<number>): Promise<CpuTimes> {
  const { user, system } = process.cpuUsage()
  return {
    arm: await armSecondsSoFar(),
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

/** Watches the processes while `work` runs; `pids` says anew at its end which there are: it may start them. */
export async function watched<T>(
  pids: () => Promise<readonly number[]>,
  work: () => Promise<T>,
): Promise<{ value: T; taken: Taken }> {
  const atFirst = await pids()
  let peakMiB = 0
  const sample = async (of: readonly number[]) => {
    peakMiB = Math.max(peakMiB, await memoryMiB(of))
  }
  const timer = setInterval(() => void sample(atFirst), SAMPLE_MS)
  try {
    const { value, taken } = await spent(
      async () => armSeconds(await pids()),
      async () => {
        const done = await work()
        await sample(await pids())
        return done
      },
    )
    return { value, taken: { peakMiB, ...taken } }
  } finally {
    clearInterval(timer)
  }
}

/** The same of commands that start and end within `work`; nobody reads their memory. */
export const watchedCommands = <T>(
  work: () => Promise<T>,
): Promise<{ value: T; taken: Omit<Taken, 'peakMiB'> }> => spent(childSeconds, work)

/** Processor time that `work` takes of the arm, of the client and of everything else. */
async function spent<T>(
  armSecondsSoFar: () => Promise<number>,
  work: () => Promise<T>,
): Promise<{ value: T; taken: Omit<Taken, 'peakMiB'> }> {
  const before = await cpuTimes(armSecondsSoFar)
  const value = await work()
  const after = await cpuTimes(armSecondsSoFar)
  const [cpuSeconds, clientCpuSeconds, busy] = [
    after.arm - before.arm,
    after.client - before.client,
    after.machine - before.machine,
  ]
  const otherCpuSeconds = Math.max(busy - cpuSeconds - clientCpuSeconds, 0)
  return { value, taken: { cpuSeconds, clientCpuSeconds, otherCpuSeconds } }
}

/** Of processes that this one started and that have ended. */
async function childSeconds(): Promise<number> {
  const fields = await statOf(process.pid)
  return (Number(fields?.[13] ?? 0) + Number(fields?.[14] ?? 0)) / TICKS_A_SECOND
}

/** Fields of /proc/PID/stat behind the name, which may hold spaces: 0 state, 1 parent, 11 user, 12 system time, 13 and 14 those of children that ended. */
async function statOf(pid: number): Promise<string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}
