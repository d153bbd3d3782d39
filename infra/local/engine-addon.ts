import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ADDON_RECORD, KitError, patchLabel, type AddonRecord } from '../../catalog/index.ts'
import { asStep, type Report } from '../progress.ts'
import { putEntry, verified } from './cache-entry.ts'
import { compileAddon } from './engine-addon/compile.ts'
import { distribution, placeAddon, wholeBuild, writeRecord } from './engine-addon/place.ts'
import {
  ENGINE_PACKAGE,
  keyOf,
  readInputs,
  type AddonKind,
  type Inputs,
} from './engine-addon/recipe.ts'
import { withLock } from './lock.ts'
import { cacheFolder } from './paths.ts'
import { COMPILER_PACKAGES, ensureSystemPackages } from './system-packages.ts'

export type { AddonKind } from './engine-addon/recipe.ts'

export interface BuiltAddon {
  /** Folder of the compiled files and their record. */
  folder: string
  record: AddonRecord
  kind: AddonKind
  /** Release of llama.cpp that it was built from. */
  release: string
}

/** A build by another command is worth waiting for: ours would take as long. */
const LOCK_WAIT_MS = 1_800_000

const root = (): string => join(cacheFolder(), 'tools', 'engine-addon')

/**
 * The engine's addon, compiled from the source that its npm package ships; cached by everything that
 * it depends on. Fails with TOOL_MISSING, TOOL_BUILD_FAILED, DISK_FULL, LOCKED.
 */
export async function ensureAddon(
  report: Report,
  kind: AddonKind,
  options: { patches?: boolean } = {},
): Promise<BuiltAddon> {
  requireLinux()
  await ensureSystemPackages(report, COMPILER_PACKAGES)
  const inputs = await readInputs(kind, options.patches ?? true)
  const entry = join(root(), keyOf(inputs))
  const found = await read(entry, inputs)
  if (found) return found
  return withLock(join(root(), 'lock'), 'the engine', LOCK_WAIT_MS, async () => {
    const meanwhile = await read(entry, inputs)
    if (meanwhile) return meanwhile
    await asStep(report, 'build engine', DETAIL[kind], () =>
      build(entry, inputs).catch((error: unknown) => {
        throw explain(error)
      }),
    )
    const built = await read(entry, inputs)
    if (built) return built
    throw explain(new Error('what was built is not whole'))
  })
}

/** Builds it, or finds it, and puts it where `npm start` and the tests load it from. */
export async function installAddon(
  report: Report,
  kind: AddonKind,
  options: { patches?: boolean } = {},
): Promise<BuiltAddon & { placed: string }> {
  const built = await ensureAddon(report, kind, options)
  const where = { arch: process.arch, release: built.release, distribution: await distribution() }
  return { ...built, placed: await placeAddon(built.folder, ENGINE_PACKAGE, where) }
}

/** As `ensureAddon`; undefined, with one line that says why, where it cannot be compiled. */
export async function addonIfPossible(
  report: Report,
  kind: AddonKind,
): Promise<BuiltAddon | undefined> {
  try {
    return await ensureAddon(report, kind)
  } catch (error) {
    const known = error instanceof KitError ? error.code : undefined
    if (known !== 'TOOL_MISSING' && known !== 'TOOL_BUILD_FAILED') throw error
    const [why = ''] = (error as Error).message.split('\n')
    const detail = `the prebuilt one serves, slower than a compiled one (${known}: ${why})`
    report({ step: 'build engine', state: 'info', detail })
    return undefined
  }
}

const DETAIL: Record<AddonKind, string> = {
  native: 'with OpenMP, for the CPU of this machine (4 min on two cores)',
  'all-variants': 'with OpenMP, for every CPU (8 min on two cores)',
}

async function read(entry: string, { kind, release }: Inputs): Promise<BuiltAddon | undefined> {
  const file = await verified(entry)
  if (file === undefined) return undefined
  const folder = dirname(file)
  const record = await wholeBuild(folder)
  return record && { folder, record, kind, release }
}

async function build(entry: string, inputs: Inputs): Promise<void> {
  await mkdir(root(), { recursive: true })
  await putEntry(entry, async (part) => {
    const target = join(part, 'addon')
    await compileAddon(inputs, join(root(), 'work'), join(root(), 'objects'), target)
    const { kind, engine, cpu, patches } = inputs
    await writeRecord(target, {
      engine,
      key: keyOf(inputs),
      ...(kind === 'native' ? { cpu } : {}),
      patches: patches.map(({ name, sha256 }) => patchLabel(name, sha256)),
    })
    return { file: join('addon', ADDON_RECORD), how: 'built' }
  })
}

function requireLinux(): void {
  if (process.platform === 'linux') return
  throw new KitError('TOOL_MISSING', {
    path: 'engine build',
    expected: 'Linux',
    got: process.platform,
    fix: 'use the prebuilt engine, which `npm start` takes by itself',
  })
}

function explain(error: unknown): unknown {
  if (error instanceof KitError) return error
  const got = (error as Error).message
  const full =
    (error as NodeJS.ErrnoException).code === 'ENOSPC' || /no space left on device/i.test(got)
  return new KitError(
    full ? 'DISK_FULL' : 'TOOL_BUILD_FAILED',
    {
      path: 'the engine',
      expected: full
        ? 'space for its source and what is compiled: 1 GiB'
        : 'a build that ends well',
      got,
      fix: full
        ? 'free some space, or set SERANTAU_CACHE to a folder on another disk'
        : 'read the message above; the prebuilt engine serves meanwhile, only slower',
    },
    { cause: error },
  )
}
