import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addonFolder } from '../../catalog/addon-folder.ts'
import { cpuOf } from '../../catalog/cpu.ts'
import { ADDON_RECORD, type AddonRecord } from '../../catalog/engine-addon.ts'
import { addonOptions } from '../../server/engine/addon-options.ts'
import { chooseAddon, describeAddon, judgeAddon } from '../../server/engine/addon.ts'
import { engineEnvironment } from '../../server/engine/engine-environment.ts'

const EPYC = { model: 'AMD EPYC', features: ['avx2', 'avx512_vnni', 'fma'] }
const OLD = { model: 'Intel Xeon E5', features: ['avx2', 'fma'] }
const record: AddonRecord = { engine: '3.22.1', key: 'k', cpu: EPYC, patches: [], files: {} }
const MACHINE = { engine: '3.22.1', cpu: EPYC, patches: undefined }
const found = { path: '/addon', record, damaged: [] }

describe('a compiled engine', () => {
  test('serves on the CPU that it was built for, and on one that can do more', () => {
    const better = { ...EPYC, features: [...EPYC.features, 'amx_int8'] }
    for (const cpu of [EPYC, better]) {
      expect(judgeAddon(found, { ...MACHINE, cpu })).toEqual({
        kind: 'native',
        key: 'k',
        stale: false,
      })
    }
  })

  test('for a CPU that can do more than this one is refused with what is missing and the fix', () => {
    const addon = judgeAddon(found, { ...MACHINE, cpu: OLD })
    expect(addon).toMatchObject({
      kind: 'prebuilt',
      problem: {
        code: 'ENGINE_ADDON_UNUSABLE',
        message: expect.stringMatching(
          /Intel Xeon E5, got code for AMD EPYC, which needs avx512_vnni\. Fix: .*engine build/,
        ),
      },
    })
    expect(describeAddon(addon)).toContain('avx512_vnni')
  })

  test('for every CPU serves on any', () => {
    const { cpu: _, ...any } = record
    const addon = judgeAddon({ ...found, record: any }, { ...MACHINE, cpu: OLD })
    expect(addon.kind).toBe('all-variants')
  })

  test('of another version is refused, and so is one that nobody recorded', () => {
    for (const other of [{ ...record, engine: '3.21.0' }, undefined]) {
      const addon = judgeAddon({ ...found, record: other }, MACHINE)
      expect(addon).toMatchObject({ kind: 'prebuilt', problem: { code: 'ENGINE_ADDON_UNUSABLE' } })
    }
  })

  test('is stale when the patches of this checkout are others, and serves all the same', () => {
    const patched = { ...record, patches: ['a.diff 1'] }
    for (const [patches, stale] of [
      [['a.diff 1'], false],
      [undefined, false],
      [['a.diff 2'], true],
      [[], true],
    ] as const) {
      const addon = judgeAddon({ ...found, record: patched }, { ...MACHINE, patches })
      expect(addon).toEqual({ kind: 'native', key: 'k', stale })
      expect(describeAddon(addon).includes('engine build')).toBe(stale)
    }
  })

  test('that is refused is not loaded by the library, a good one is', () => {
    const refused = judgeAddon(found, { ...MACHINE, cpu: OLD })
    expect(Object.keys(addonOptions(refused.kind !== 'prebuilt').cmakeOptions ?? {})).toHaveLength(
      1,
    )
    expect(addonOptions(judgeAddon(found, MACHINE).kind !== 'prebuilt')).toEqual({})
  })
})

describe('the compiled engine on disk', () => {
  let engine = ''
  let release = ''
  beforeEach(async () => {
    engine = await mkdtemp(join(tmpdir(), 'serantau-addon-'))
    const folder = join(engine, addonFolder(process.arch))
    release = join(folder, 'Release')
    await mkdir(release, { recursive: true })
    await writeFile(join(engine, 'package.json'), JSON.stringify({ version: '3.22.1' }))
    await writeFile(join(release, 'llama-addon.node'), 'code')
    const digest = createHash('sha256').update('code').digest('hex')
    const cpu = cpuOf(await readFile('/proc/cpuinfo', 'utf8'))
    const facts = { ...record, cpu, files: { 'llama-addon.node': digest } }
    await writeFile(join(release, ADDON_RECORD), JSON.stringify(facts))
    await writeFile(join(folder, 'buildDone.status'), '')
  })
  afterEach(() => rm(engine, { recursive: true }))

  test('is chosen when it is whole', async () => {
    const patches = join(engine, 'patches')
    expect(await chooseAddon(engine, patches)).toEqual({ kind: 'native', key: 'k', stale: false })
    await mkdir(patches)
    await writeFile(join(patches, 'new.diff'), 'diff')
    expect(await chooseAddon(engine, patches)).toMatchObject({ kind: 'native', stale: true })
  })

  test('is none where none was built, without a complaint', async () => {
    await rm(join(engine, 'llama'), { recursive: true })
    const addon = await chooseAddon(engine)
    expect(addon).toEqual({ kind: 'prebuilt', key: 'prebuilt 3.22.1' })
    expect(describeAddon(addon)).toContain('npm run serantau -- engine build')
  })

  test('is refused by name when a file of it is truncated, changed or gone', async () => {
    const file = join(release, 'llama-addon.node')
    const damage = [() => truncate(file, 2), () => writeFile(file, 'c0de'), () => rm(file)]
    for (const harm of damage) {
      await harm()
      const addon = await chooseAddon(engine)
      expect(addon).toMatchObject({
        kind: 'prebuilt',
        problem: { message: expect.stringContaining('got llama-addon.node') },
      })
    }
  })

  test.each(['', '{', '{"files":{}}'])('is refused when its record is %j', async (text) => {
    await writeFile(join(release, ADDON_RECORD), text)
    expect(await chooseAddon(engine)).toMatchObject({
      kind: 'prebuilt',
      problem: { code: 'ENGINE_ADDON_UNUSABLE' },
    })
  })
})

describe('the environment of the engine', () => {
  const spins = (environment: Record<string, string>) =>
    environment['OMP_WAIT_POLICY'] === 'active' && environment['GOMP_SPINCOUNT'] !== '0'

  test.each([
    { threads: 2, quota: undefined, cores: 2, spin: true },
    { threads: 2, quota: 2, cores: 8, spin: true },
    { threads: 2, quota: 2.5, cores: 8, spin: true },
    { threads: 1, quota: 1, cores: 8, spin: true },
    { threads: 1, quota: 0.5, cores: 8, spin: false },
    { threads: 1, quota: 0.999, cores: 1, spin: false },
    { threads: 4, quota: 2, cores: 8, spin: false },
    { threads: 4, quota: undefined, cores: 2, spin: false },
  ])('spins only with a whole core for each thread: %o', ({ spin, ...grant }) => {
    const environment = engineEnvironment(grant)
    expect(spins(environment)).toBe(spin)
    expect(environment['OMP_NUM_THREADS']).toBe(String(grant.threads))
  })

  test('gives native code one thread of libuv, whatever the quota', () => {
    const { UV_THREADPOOL_SIZE } = engineEnvironment({ threads: 1, quota: 0.5, cores: 1 })
    // One team of OpenMP's workers: with more of libuv's threads there would be several.
    expect(UV_THREADPOOL_SIZE).toBe('1')
  })
})

describe('a CPU', () => {
  test('is known by its model and the instructions that compilers emit', () => {
    const text =
      'processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx2 hypervisor fma avx2\n\n'
    expect(cpuOf(text + text)).toEqual({ model: 'AMD EPYC', features: ['avx2', 'fma'] })
  })

  test('of Arm is known by its parts and features', () => {
    const text = 'CPU implementer\t: 0x41\nCPU part\t: 0xd40\nFeatures\t: fp asimd sve\n'
    expect(cpuOf(text)).toEqual({ model: '0x41 0xd40', features: ['asimd', 'fp', 'sve'] })
  })

  test('that says nothing has no features', () => {
    expect(cpuOf('')).toEqual({ model: 'unknown', features: [] })
  })
})
