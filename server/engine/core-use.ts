import { type Read, readIfThere } from './cgroup.ts'

/** Since the process, or the machine, began; seconds. */
export interface CoreUse {
  /** That threads of this process, but not its first, were ready to run and had no core. */
  waited: number
  /** That the cores which this process may use had nothing to do, all together. */
  idle: number
}

/** USER_HZ of Linux. */
const TICKS_A_SECOND = 100
const IDLE_FIELD = 3

/** Undefined where the kernel does not tell: not Linux, or one without CONFIG_SCHED_INFO. */
export function coreUse(
  tasks: readonly string[],
  own: string = String(process.pid),
  read: Read = readIfThere,
): CoreUse | undefined {
  const stat = read('/proc/stat')
  const allowed = allowedCores(read('/proc/self/status') ?? '')
  if (stat === undefined || allowed === undefined) return undefined
  let waited = 0
  for (const task of tasks) {
    // The first one runs JavaScript, whose waits hold up no step.
    if (task === own) continue
    const [, nanoseconds] = (read(`/proc/self/task/${task}/schedstat`) ?? '').split(' ')
    // A thread that has just ended counts no more.
    if (nanoseconds === undefined) continue
    waited += Number(nanoseconds) / 1e9
  }
  if (read(`/proc/self/task/${own}/schedstat`) === undefined) return undefined
  return { waited, idle: idleTicks(stat, allowed) / TICKS_A_SECOND }
}

function idleTicks(stat: string, allowed: ReadonlySet<number>): number {
  let ticks = 0
  for (const [, core, fields = ''] of stat.matchAll(/^cpu(\d+) (.*)$/gm)) {
    if (allowed.has(Number(core))) ticks += Number(fields.split(' ')[IDLE_FIELD])
  }
  return ticks
}

/** `Cpus_allowed_list: 0-3,8`. */
function allowedCores(status: string): Set<number> | undefined {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1]
  if (list === undefined) return undefined
  const cores = new Set<number>()
  for (const range of list.split(',')) {
    const [from = NaN, to = from] = range.split('-').map(Number)
    for (let core = from; core <= to; core++) cores.add(core)
  }
  return cores
}
