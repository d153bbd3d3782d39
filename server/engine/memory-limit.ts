/**
 * Memory of the engine process. The kernel ends a whole pod that goes beyond its limit, with every open
 * answer; an engine that is ended a little earlier leaves a server that says so.
 */
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { type Read, cgroupFolders, readIfThere } from './cgroup.ts'

/** For the server process, and for what the kernel itself counts. */
const SERVER_BYTES = 128 * 2 ** 20
const LOOK_MS = 1000

/** Bytes that the cgroup grants, undefined without a limit below `total`. */
export function memoryLimit(read: Read, total: number): number | undefined {
  const { v1, v2 } = cgroupFolders(read, 'memory')
  const limits = [
    ...v2.map((folder) => read(join(folder, 'memory.max'))),
    ...v1.map((folder) => read(join(folder, 'memory.limit_in_bytes'))),
  ]
    .map((text) => Number.parseInt(text ?? '', 10))
    // Without a limit v2 says `max`, v1 more than any machine has.
    .filter((limit) => limit > 0 && limit < total)
  return limits.length === 0 ? undefined : Math.min(...limits)
}

/** Bytes of its own that an engine may hold, undefined without a limit. `shared`: bytes of its prefixes. */
export function engineMemory(shared: number, limit = memoryLimit(readIfThere, totalmem())) {
  return limit === undefined ? undefined : limit - shared - SERVER_BYTES
}

/** Without mapped weights, which the kernel drops by itself; undefined: the process is gone. */
export function ownBytes(pid: number, read: Read = readIfThere): number | undefined {
  const kib = /^RssAnon:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return kib === undefined ? undefined : Number(kib) * 1024
}

/** Bytes that this process asked for and has not touched yet: those of a cache come as answers need them. */
export function untouchedBytes(read: Read = readIfThere): number {
  const status = read('/proc/self/status') ?? ''
  const kibOf = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1])
  const kib = kibOf('VmData') - kibOf('RssAnon')
  return kib > 0 ? kib * 1024 : 0
}

/** undefined: within the limit; else a cause for a person. */
export function beyondMemory(bytes: number, most: number | undefined): string | undefined {
  if (most === undefined || bytes <= most) return undefined
  return (
    `the engine takes ${mebibytes(bytes)} MiB, expected at most ${mebibytes(most)} MiB of the ` +
    'memory limit; fix: raise memory, or lower slots or contextSize'
  )
}

/** Looks once a second; calls `beyond` once, with a cause for a person. Returns what ends it. */
export function watchMemory(
  pid: number,
  most: number,
  beyond: (cause: string) => void,
  read: Read = readIfThere,
): () => void {
  const timer = setInterval(() => {
    const cause = beyondMemory(ownBytes(pid, read) ?? 0, most)
    if (cause === undefined) return
    clearInterval(timer)
    beyond(cause)
  }, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}

const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20)
