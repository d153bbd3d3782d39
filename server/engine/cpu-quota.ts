import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

/**
 * Cores that the cgroup grants, undefined without a limit. `read` gives a file's text or undefined.
 * The engine must not take its default (at least 4 threads): spinning threads beyond the quota are
 * throttled together with the one that works.
 */
export function cpuQuota(read: (path: string) => string | undefined): number | undefined {
  const own = ownGroups(read('/proc/self/cgroup') ?? '')
  const limits = [
    ...withParents(own.v2).map((path) =>
      parseCpuMax(read(join('/sys/fs/cgroup', path, 'cpu.max'))),
    ),
    ...withParents(own.v1).map((path) =>
      parseCfs(
        read(join('/sys/fs/cgroup/cpu', path, 'cpu.cfs_quota_us')),
        read(join('/sys/fs/cgroup/cpu', path, 'cpu.cfs_period_us')),
      ),
    ),
  ].filter((limit) => limit !== undefined)
  return limits.length === 0 ? undefined : Math.min(...limits)
}

/** What this process is granted; see `cpuQuota`. */
export const ownQuota = (): number | undefined => cpuQuota(readIfThere)

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

/** Lines are `id:controllers:path`; in a container's own namespace the path is `/`. */
function ownGroups(text: string): { v1: string; v2: string } {
  const rows = text.split('\n').map((line) => line.split(':'))
  const v1 = rows.find(([, controllers]) => controllers?.split(',').includes('cpu'))
  const v2 = rows.find(([id, controllers]) => id === '0' && controllers === '')
  return { v1: v1?.[2] ?? '/', v2: v2?.[2] ?? '/' }
}

/** A parent's limit binds too, and a container sees itself at the root whatever its path says. */
function withParents(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..')
  return parts.map((_, index) => '/' + parts.slice(0, index + 1).join('/')).concat('/')
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
