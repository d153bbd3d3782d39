import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import {
  ADDON_RECORD,
  AddonRecordSchema,
  addonFolder,
  type AddonRecord,
} from '../../../catalog/index.ts'
import { sha256Of } from './recipe.ts'

/** Name and version of the system as node-llama-cpp reads them; it tests an addon of another system. */
export interface Distribution {
  name: string
  version: string
}

/** What the server image shows: it has no such file. */
export const NO_DISTRIBUTION: Distribution = { name: '', version: '' }

/**
 * Copies a build to where the node-llama-cpp in `enginePackage` finds it. It appears whole or not at
 * all; while it is replaced there is none, and the prebuilt one would be loaded.
 */
export async function placeAddon(
  build: string,
  enginePackage: string,
  where: { arch: string; release: string; distribution: Distribution },
): Promise<string> {
  const target = join(enginePackage, addonFolder(where.arch))
  const parent = dirname(target)
  const work = join(parent, `.${basename(target)}.part-${process.pid}`)
  await mkdir(parent, { recursive: true })
  await removeLeft(parent)
  await cp(build, join(work, 'Release'), { recursive: true })
  const options = {
    customCmakeOptions: {},
    progressLogs: false,
    platform: 'linux',
    platformInfo: where.distribution,
    arch: where.arch,
    gpu: false,
    llamaCpp: { repo: 'ggml-org/llama.cpp', release: where.release },
  }
  const metadata = join(work, 'Release', '_nlcBuildMetadata.json')
  await writeFile(metadata, JSON.stringify({ buildOptions: options }))
  await writeFile(join(work, 'buildDone.status'), '')
  const old = `${work}.old`
  await rename(target, old).catch(() => undefined)
  await rename(work, target)
  await rm(old, { recursive: true, force: true })
  return target
}

/** What a killed command left half-done. */
async function removeLeft(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (name.includes('.part-')) await rm(join(parent, name), { recursive: true, force: true })
  }
}

/** Of this machine; the rule is node-llama-cpp's. */
export async function distribution(): Promise<Distribution> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const field = (name: string) => new RegExp(`^${name}="?(.*?)"?$`, 'm').exec(text)?.[1]
  return { name: field('NAME') ?? '', version: field('VERSION_ID') ?? field('VERSION') ?? '' }
}

export async function writeRecord(build: string, facts: Omit<AddonRecord, 'files'>): Promise<void> {
  const names = (await readdir(build)).sort()
  const files = Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, await sha256Of(join(build, name))] as const),
    ),
  )
  await writeFile(join(build, ADDON_RECORD), JSON.stringify({ ...facts, files }, null, 2))
}

/** The record of a build that is byte for byte what was built; undefined: it is not. */
export async function wholeBuild(build: string): Promise<AddonRecord | undefined> {
  try {
    const record = AddonRecordSchema.parse(
      JSON.parse(await readFile(join(build, ADDON_RECORD), 'utf8')),
    )
    for (const [name, digest] of Object.entries(record.files)) {
      if ((await sha256Of(join(build, name))) !== digest) return undefined
    }
    return record
  } catch {
    return undefined
  }
}
