import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  ADDON_RECORD,
  AddonRecordSchema,
  addonFolder,
  cpuOf,
  type AddonRecord,
} from '../../catalog/engine-addon.ts'
import { KitError, type Problem } from '../../catalog/errors.ts'

/** Which native code the engine loads. */
export type Addon =
  | { kind: 'native' | 'all-variants'; patches: readonly string[] }
  /** `problem`: why the compiled one that is there is not used; ENGINE_ADDON_UNUSABLE. */
  | { kind: 'prebuilt'; problem?: KitError }

/** What lies where node-llama-cpp looks for a compiled addon. */
export interface FoundAddon {
  path: string
  /** undefined: missing or unreadable. */
  record: AddonRecord | undefined
  /** Files that are missing or differ from what was built. */
  damaged: readonly string[]
}

/** Version of node-llama-cpp and CPU, as `cpuOf` tells it. */
export interface Machine {
  engine: string
  cpu: { model: string; features: readonly string[] }
}

export const BUILD_COMMAND = 'npm run serantau -- engine build'
const ENGINE_PACKAGE = fileURLToPath(new URL('../../node_modules/node-llama-cpp', import.meta.url))

/**
 * Looks before anything is loaded: code for another CPU ends the process where no `catch` helps, and
 * node-llama-cpp would load it unseen. Never throws: the prebuilt addon serves everywhere.
 */
export async function chooseAddon(enginePackage = ENGINE_PACKAGE): Promise<Addon> {
  const found = await findAddon(join(enginePackage, addonFolder(process.arch)))
  if (found === undefined) return { kind: 'prebuilt' }
  const text = await readFile(join(enginePackage, 'package.json'), 'utf8').catch(() => '{}')
  const cpuinfo = await readFile('/proc/cpuinfo', 'utf8').catch(() => '')
  const { version } = JSON.parse(text) as { version?: string }
  return judgeAddon(found, { engine: version ?? 'unknown', cpu: cpuOf(cpuinfo) })
}

/** The compiled addon if it is whole, of this version and fit for this CPU; else the prebuilt one. Pure. */
export function judgeAddon({ path, record, damaged }: FoundAddon, machine: Machine): Addon {
  if (record === undefined) return refuse(path, 'a compiled engine with its record', 'none')
  if (damaged.length > 0) return refuse(path, 'the files that were built', damaged.join(', '))
  if (record.engine !== machine.engine) {
    return refuse(path, `the engine of node-llama-cpp ${machine.engine}`, record.engine)
  }
  const { cpu, patches } = record
  if (cpu === undefined) return { kind: 'all-variants', patches }
  const missing = cpu.features.filter((feature) => !machine.cpu.features.includes(feature))
  if (missing.length === 0) return { kind: 'native', patches }
  return refuse(
    path,
    `code for the CPU of this machine, ${machine.cpu.model}`,
    `code for ${cpu.model}, which needs ${missing.join(', ')}`,
  )
}

/** Options for `getLlama` that make it load what was chosen. */
export function addonOptions(addon: Addon): { cmakeOptions?: Record<string, string> } {
  // A compiled addon is found by its options, the prebuilt one by none: these are no compiled one's.
  return addon.kind === 'prebuilt' ? { cmakeOptions: { SERANTAU_PREBUILT: '1' } } : {}
}

/** One line for a person. */
export function describeAddon(addon: Addon): string {
  switch (addon.kind) {
    case 'native':
      return 'compiled for this CPU, with OpenMP'
    case 'all-variants':
      return 'compiled for every CPU, with OpenMP'
    case 'prebuilt':
      if (addon.problem !== undefined) return `prebuilt, because ${addon.problem.message}`
      if (process.platform !== 'linux') return 'prebuilt'
      return `prebuilt; a compiled one is faster: ${BUILD_COMMAND}`
  }
}

function refuse(path: string, expected: string, got: string): Addon {
  const fix = `build it anew on this machine (${BUILD_COMMAND}) or for every CPU (--all-variants)`
  const problem: Problem = { path, expected, got, fix }
  return { kind: 'prebuilt', problem: new KitError('ENGINE_ADDON_UNUSABLE', problem) }
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
