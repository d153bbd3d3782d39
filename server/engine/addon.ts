import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  ADDON_RECORD,
  AddonRecordSchema,
  patchLabel,
  type AddonRecord,
} from '../../catalog/engine-addon.ts'
import { addonFolder } from '../../catalog/addon-folder.ts'
import { cpuOf } from '../../catalog/cpu.ts'
import { KitError, type Problem } from '../../catalog/errors.ts'
import type { ChosenAddon } from './protocol.ts'

/** Which native code the engine loads. `key` names the build: what one computed is no other's. */
export type Addon =
  /** `stale`: this checkout has other patches by now. */
  | { kind: 'native' | 'all-variants'; key: string; stale: boolean }
  /** `problem`: why the compiled one that is there is not used; ENGINE_ADDON_UNUSABLE. */
  | { kind: 'prebuilt'; key: string; problem?: KitError }

/** What lies where node-llama-cpp looks for a compiled addon. */
export interface FoundAddon {
  path: string
  /** undefined: missing or unreadable. */
  record: AddonRecord | undefined
  /** Files that are missing or differ from what was built. */
  damaged: readonly string[]
}

/** Version of node-llama-cpp and CPU, as `cpuOf` tells it; patches, undefined in an image. */
export interface Machine {
  engine: string
  patches: readonly string[] | undefined
  cpu: { model: string; features: readonly string[] }
}

export const BUILD_COMMAND = 'npm run serantau -- engine build'
const PATCHES = fileURLToPath(new URL('./patches', import.meta.url))
const ENGINE_PACKAGE = fileURLToPath(new URL('../../node_modules/node-llama-cpp', import.meta.url))

/**
 * Looks before anything is loaded: code for another CPU ends the process where no `catch` helps, and
 * node-llama-cpp would load it unseen. Never throws: the prebuilt addon serves everywhere.
 */
export async function chooseAddon(
  enginePackage = ENGINE_PACKAGE,
  patches = PATCHES,
): Promise<Addon> {
  const text = await readFile(join(enginePackage, 'package.json'), 'utf8').catch(() => '{}')
  const cpuinfo = await readFile('/proc/cpuinfo', 'utf8').catch(() => '')
  const { version: engine = 'unknown' } = JSON.parse(text) as { version?: string }
  const found = await findAddon(join(enginePackage, addonFolder(process.arch)))
  if (found === undefined) return { kind: 'prebuilt', key: prebuiltKey(engine) }
  const machine = { engine, cpu: cpuOf(cpuinfo), patches: await labelsOf(patches) }
  return judgeAddon(found, machine)
}

/** The compiled addon if it is whole, of this version and fit for this CPU; else the prebuilt one. Pure. */
export function judgeAddon({ path, record, damaged }: FoundAddon, machine: Machine): Addon {
  const refuse = (expected: string, got: string): Addon => {
    const fix = `build it anew on this machine (${BUILD_COMMAND}) or for every CPU (--all-variants)`
    const problem: Problem = { path, expected, got, fix }
    const key = prebuiltKey(machine.engine)
    return { kind: 'prebuilt', key, problem: new KitError('ENGINE_ADDON_UNUSABLE', problem) }
  }
  if (record === undefined) return refuse('a compiled engine with its record', 'none')
  if (damaged.length > 0) return refuse('the files that were built', damaged.join(', '))
  if (record.engine !== machine.engine) {
    return refuse(`the engine of node-llama-cpp ${machine.engine}`, record.engine)
  }
  const { cpu, key, patches } = record
  const stale = machine.patches !== undefined && machine.patches.join() !== patches.join()
  if (cpu === undefined) return { kind: 'all-variants', key, stale }
  const missing = cpu.features.filter((feature) => !machine.cpu.features.includes(feature))
  if (missing.length === 0) return { kind: 'native', key, stale }
  return refuse(
    `code for the CPU of this machine, ${machine.cpu.model}`,
    `code for ${cpu.model}, which needs ${missing.join(', ')}`,
  )
}

/** What the engine process must know of it. */
export const chosenOf = ({ kind, key }: Addon): ChosenAddon => ({
  ...{ compiled: kind !== 'prebuilt', key },
})

/** One line for a person. */
export function describeAddon(addon: Addon): string {
  if (addon.kind === 'prebuilt') {
    if (addon.problem !== undefined) return `prebuilt, because ${addon.problem.message}`
    if (process.platform !== 'linux') return 'prebuilt'
    return `prebuilt; a compiled one is faster: ${BUILD_COMMAND}`
  }
  const cpu = addon.kind === 'native' ? 'this CPU' : 'every CPU'
  const old = addon.stale ? `; our patches changed since: ${BUILD_COMMAND}` : ''
  return `compiled for ${cpu}, with OpenMP${old}`
}

const prebuiltKey = (engine: string): string => `prebuilt ${engine}`

/** undefined: the folder is not there, as in an image. */
async function labelsOf(folder: string): Promise<string[] | undefined> {
  const files = await readdir(folder).catch(() => undefined)
  const names = files?.filter((name) => name.endsWith('.diff')).sort()
  return (
    names &&
    Promise.all(
      names.map(async (name) => patchLabel(name, (await sha256Of(join(folder, name))) ?? '')),
    )
  )
}

/** undefined: none is there, or one without the mark of its end, which node-llama-cpp ignores too. */
async function findAddon(folder: string): Promise<FoundAddon | undefined> {
  const done = await access(join(folder, 'buildDone.status')).catch((error: Error) => error)
  if (done !== undefined) return undefined
  const path = join(folder, 'Release')
  const record = await readRecord(join(path, ADDON_RECORD))
  const files = Object.entries(record?.files ?? {})
  const wrong = await Promise.all(
    files.map(async ([name, digest]) =>
      (await sha256Of(join(path, name))) === digest ? [] : [name],
    ),
  )
  return { path, record, damaged: wrong.flat() }
}

async function readRecord(path: string): Promise<AddonRecord | undefined> {
  try {
    return AddonRecordSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return undefined
  }
}

async function sha256Of(path: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk)
  } catch {
    return undefined
  }
  return hash.digest('hex')
}
