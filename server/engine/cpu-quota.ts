import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type Read, cgroupFolders, readIfThere } from './cgroup.ts'

/**
 * Cores that the cgroup grants, undefined without a limit.
 * The engine must not take its default (at least 4 threads): spinning threads beyond the quota are
 * throttled together with the one that works.
 */
export function cpuQuota(read: Read): number | undefined {
  const { v1, v2 } = cgroupFolders(read, 'cpu')
  const limits = [
    ...v2.map((folder) => parseCpuMax(read(join(folder, 'cpu.max')))),
    ...v1.map((folder) =>
      parseCfs(read(join(folder, 'cpu.cfs_quota_us')), read(join(folder, 'cpu.cfs_period_us'))),
    ),
  ].filter((limit) => limit !== undefined)
  return limits.length === 0 ? undefined : Math.min(...limits)
}

/** What this process is granted; see `cpuQuota`. */
export const ownQuota = (): number | undefined => cpuQuota(readIfThere)

/** `quota`: cores that the CPU limit grants. */
export interface CpuWarning {
  event: 'cpu_below_one_core'
  cause: 'cpu_limit'
  quota: number
}

/** The one thread of an engine with less than a core is stopped in the middle of steps. */
export const cpuWarning = (quota: number | undefined): CpuWarning | undefined =>
  quota !== undefined && quota < 1
    ? { event: 'cpu_below_one_core', cause: 'cpu_limit', quota }
    : undefined

/** Threads for the engine: whole cores of the quota, at least 1. */
export function engineThreads(quota = ownQuota(), cores = availableParallelism()): number {
  return Math.max(1, Math.min(cores, Math.floor(quota ?? cores)))
}

/** cgroup v2: `<quota> <period>` or `max <period>`, microseconds. */
export function parseCpuMax(text: string | undefined): number | undefined {
  const [quota, period] = (text ?? '').trim().split(/\s+/)
  return ratio(quota, period)
}

/** cgroup v1: quota -1 means no limit. */
export function parseCfs(
  quota: string | undefined,
  period: string | undefined,
): number | undefined {
  return ratio(quota?.trim(), period?.trim())
}

function ratio(quota: string | undefined, period: string | undefined): number | undefined {
  const cores = Number(quota) / Number(period)
  return Number.isFinite(cores) && cores > 0 ? cores : undefined
}
