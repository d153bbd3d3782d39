import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'

/** What figures depend on, for a person. */
export interface Machine {
  name: string
  /** Short, for names of files: what one machine measured is none of another's. */
  key: string
}

export async function thisMachine(): Promise<Machine> {
  const processor = processorOf(await readFile('/proc/cpuinfo', 'utf8'))
  const name = `${cpus().length} x ${processor}, ${Math.round(totalmem() / 2 ** 30)} GiB`
  return { name, key: keyOf(name) }
}

export const keyOf = (name: string): string =>
  createHash('sha256').update(name).digest('hex').slice(0, 12)

/** Virtual machines hide the name of their processor, but not its kind. */
export function processorOf(cpuinfo: string): string {
  const field = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(cpuinfo)?.[1] ?? '?'
  return `${field('model name')} (family ${field('cpu family')}, model ${field('model')})`
}
