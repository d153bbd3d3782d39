import { describe, expect, test, vi } from 'vitest'
import { KitError, type ErrorCode } from '../../../catalog/index.ts'
import { addonIfPossible } from '../../../infra/local/engine-addon.ts'
import { definitions, keyOf, type Inputs } from '../../../infra/local/engine-addon/recipe.ts'

const packages = vi.hoisted(() => ({ ensure: (): Promise<void> => Promise.resolve() }))
vi.mock('../../../infra/local/system-packages.ts', () => ({
  COMPILER_PACKAGES: ['g++'],
  ensureSystemPackages: () => packages.ensure(),
}))

const inputs: Inputs = {
  kind: 'native',
  engine: '3.22.1',
  release: 'v0.5.0',
  source: 'a'.repeat(64),
  patches: [{ name: 'outputs.diff', sha256: 'b'.repeat(64) }],
  compiler: 'c++ 12.2.0',
  arch: 'x64',
  cpu: { model: 'AMD EPYC', features: ['avx2'] },
}

describe('a build of the engine', () => {
  test.each<[string, Partial<Inputs>]>([
    ['the engine', { engine: '3.22.2' }],
    ['the source', { source: 'c'.repeat(64) }],
    ['a patch', { patches: [{ name: 'outputs.diff', sha256: 'c'.repeat(64) }] }],
    ['the patches left out', { patches: [] }],
    ['the compiler', { compiler: 'c++ 13.0.0' }],
    ['the architecture', { arch: 'arm64' }],
    ['the release in the names', { release: 'v0.6.0' }],
    ['the kind', { kind: 'all-variants' }],
    ['the model of the CPU', { cpu: { model: 'Xeon', features: ['avx2'] } }],
    ['the features of the CPU', { cpu: { model: 'AMD EPYC', features: [] } }],
  ])('is another one with %s changed', (_, change) => {
    expect(keyOf({ ...inputs, ...change })).not.toBe(keyOf(inputs))
  })

  test('for every CPU is the same wherever it is built', () => {
    const all: Inputs = { ...inputs, kind: 'all-variants' }
    const elsewhere = { ...all, cpu: { model: 'Xeon', features: ['amx_int8'] } }
    expect(keyOf(elsewhere)).toBe(keyOf(all))
  })

  test('has OpenMP, and code for the CPU of this machine or for all', () => {
    expect(definitions(inputs)).toEqual(
      expect.arrayContaining(['-DGGML_OPENMP=ON', '-DGGML_NATIVE=ON', '-DNLC_VARIANT=v0.5.0']),
    )
    expect(definitions({ ...inputs, kind: 'all-variants' })).toEqual(
      expect.arrayContaining([
        '-DGGML_OPENMP=ON',
        '-DGGML_NATIVE=OFF',
        '-DGGML_BACKEND_DL=ON',
        '-DGGML_CPU_ALL_VARIANTS=ON',
      ]),
    )
  })
})

describe('where the engine cannot be compiled', () => {
  const failWith = (code: ErrorCode) => {
    const problem = { path: 'system packages', expected: 'g++', got: 'none', fix: 'install it' }
    packages.ensure = () => Promise.reject(new KitError(code, problem))
  }

  test('the prebuilt one serves, and one line says why', async () => {
    failWith('TOOL_MISSING')
    const lines: (string | undefined)[] = []
    const addon = await addonIfPossible(({ detail }) => lines.push(detail), 'native')
    expect(addon).toBeUndefined()
    expect(lines).toEqual([expect.stringMatching(/prebuilt.*TOOL_MISSING: .*g\+\+, got none/)])
  })

  test.each(['DISK_FULL', 'LOCKED'] as const)(
    'because of %s, it fails: that is no lack of a compiler',
    async (code) => {
      failWith(code)
      await expect(addonIfPossible(() => undefined, 'native')).rejects.toMatchObject({ code })
    },
  )
})
