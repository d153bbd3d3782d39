import { mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'

/** Where Linux keeps files in memory. */
const IN_MEMORY = '/dev/shm'
const NAME = /^serantau-start-(\d+)-/
/** It takes at most so much of what is free: other programs need some too. */
const SHARE = 1 / 4

/**
 * A folder in memory for `bytes` of this process's users, that nobody else may read; it ends with the
 * process. Undefined: there is no such place here, or no room. Removes those of processes that were killed.
 */
export function memoryFolder(
  bytes: number,
  { parent = IN_MEMORY, free = freemem() }: { parent?: string; free?: number } = {},
): string | undefined {
  try {
    sweep(parent)
    const { bavail, bsize } = statfsSync(parent)
    if (bytes > Math.min(bavail * bsize, free) * SHARE) return undefined
    const folder = mkdtempSync(join(parent, `serantau-start-${process.pid}-`))
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    return folder
  } catch {
    return undefined
  }
}

function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = NAME.exec(name)?.[1]
    if (pid === undefined || runs(Number(pid))) continue
    try {
      rmSync(join(parent, name), { recursive: true, force: true })
    } catch {
      // Another user's.
    }
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: string }).code !== 'ESRCH'
  }
}
