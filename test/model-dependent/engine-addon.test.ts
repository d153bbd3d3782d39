import { cp, mkdir, mkdtemp, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addonFolder } from '../../catalog/addon-folder.ts'
import { run } from '../../infra/local/command.ts'
import { ensureAddon, type BuiltAddon } from '../../infra/local/engine-addon.ts'
import { distribution, placeAddon } from '../../infra/local/engine-addon/place.ts'
import { addonOptions } from '../../server/engine/addon-options.ts'
import { chooseAddon } from '../../server/engine/addon.ts'
import { ROOT } from '../helpers/project.ts'
import { weightsOf } from '../helpers/real-role.ts'

const MODULES = join(ROOT, 'node_modules')

interface Loaded {
  build: string
  openmp: boolean
  tokens: number
}

/** Each kind, built or found, in a copy of the library: this checkout's own stays as it is. */
describe.each(['native', 'all-variants'] as const)('the compiled engine, %s', (kind) => {
  let folder = ''
  let library = ''
  let model = ''
  let built: BuiltAddon

  beforeAll(async () => {
    built = await ensureAddon(() => undefined, kind)
    model = await weightsOf('smollm2-135m-instruct')
    folder = await mkdtemp(join(tmpdir(), 'serantau-addon-'))
    library = join(folder, 'node_modules', 'node-llama-cpp')
    await mkdir(join(folder, 'node_modules'))
    for (const name of await readdir(MODULES)) {
      if (name === 'node-llama-cpp') continue
      await symlink(join(MODULES, name), join(folder, 'node_modules', name))
    }
    for (const part of ['dist', 'package.json', 'llama/binariesGithubRelease.json']) {
      await cp(join(MODULES, 'node-llama-cpp', part), join(library, part), { recursive: true })
    }
    await writeFile(join(folder, 'decode.mjs'), DECODE)
    await place()
  }, 1_800_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const place = async () => {
    const where = { ...built, arch: process.arch, distribution: await distribution() }
    return placeAddon(built.folder, library, where)
  }
  const decode = async (options: object): Promise<Loaded> => {
    const args = [join(folder, 'decode.mjs'), model, JSON.stringify(options)]
    const lines = (await run(process.execPath, args)).trim().split('\n')
    return JSON.parse(lines.at(-1) ?? '') as Loaded
  }

  test('is found by the library, decodes a token and computes with OpenMP', async () => {
    const addon = await chooseAddon(library)
    expect(addon.kind).toBe(kind)
    expect(await decode(addonOptions(addon.kind !== 'prebuilt'))).toEqual({
      build: 'localBuild',
      openmp: true,
      tokens: 1,
    })
  })

  test('is passed over for the prebuilt one when it is damaged', async () => {
    await truncate(join(library, addonFolder(process.arch), 'Release', 'llama-addon.node'), 1000)
    const addon = await chooseAddon(library)
    expect(addon).toMatchObject({ problem: { code: 'ENGINE_ADDON_UNUSABLE' } })
    expect(await decode(addonOptions(addon.kind !== 'prebuilt'))).toEqual({
      build: 'prebuilt',
      openmp: false,
      tokens: 1,
    })
    await place()
    expect((await chooseAddon(library)).kind).toBe(kind)
  })

  test('is put there whole: what a killed command left is removed and never loaded', async () => {
    const parent = join(library, 'llama', 'localBuilds')
    await mkdir(join(parent, '.left.part-1', 'Release'), { recursive: true })
    await place()
    expect(await readdir(parent)).toEqual([`linux-${process.arch}`])
  })
})

test('the system is read as the library reads it, or it would test the engine at each start', async () => {
  const path = join(MODULES, 'node-llama-cpp/dist/bindings/utils/getPlatformInfo.js')
  const { getPlatformInfo } = (await import(pathToFileURL(path).href)) as {
    getPlatformInfo: () => Promise<unknown>
  }
  expect(await distribution()).toEqual(await getPlatformInfo())
})

const DECODE = `
import { readFileSync } from 'node:fs'
import { getLlama } from 'node-llama-cpp'
const [model, options] = process.argv.slice(2)
const llama = await getLlama({
  gpu: false, build: 'never', skipDownload: true, progressLogs: false, ...JSON.parse(options),
})
const context = await (await llama.loadModel({ modelPath: model })).createContext({ contextSize: 64 })
const tokens = context.getSequence().evaluate([1], { temperature: 0, yieldEogToken: true })
const { done } = await tokens.next()
const openmp = readFileSync('/proc/self/maps', 'utf8').includes('libgomp')
console.log(JSON.stringify({ build: llama.buildType, openmp, tokens: done ? 0 : 1 }))
process.exit(0)
`
