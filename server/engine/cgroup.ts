/** Where the kernel keeps what this process may use. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A file's text, undefined where there is none. */
export type Read = (path: string) => string | undefined

export const readIfThere: Read = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Folders of the process's cgroup and its parents, whose limits bind too, for cgroup v2 and v1. */
export function cgroupFolders(read: Read, controller: string): { v1: string[]; v2: string[] } {
  const rows = (read('/proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'))
  const v1 = rows.find(([, controllers]) => controllers?.split(',').includes(controller))
  const v2 = rows.find(([id, controllers]) => id === '0' && controllers === '')
  return {
    v1: withParents(v1?.[2] ?? '/').map((path) => join('/sys/fs/cgroup', controller, path)),
    v2: withParents(v2?.[2] ?? '/').map((path) => join('/sys/fs/cgroup', path)),
  }
}

/** A container sees itself at the root whatever its path says. */
function withParents(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..')
  return parts.map((_, index) => '/' + parts.slice(0, index + 1).join('/')).concat('/')
}
