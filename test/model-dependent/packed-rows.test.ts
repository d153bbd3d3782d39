import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { run } from '../../infra/local/command.ts'
import { ensureAddon } from '../../infra/local/engine-addon.ts'
import { readIfThere } from '../../server/engine/cgroup.ts'
import { ROOT } from '../helpers/project.ts'

const BUNDLE = join(ROOT, 'node_modules', 'node-llama-cpp', 'llama', 'gitRelease.bundle')
const PROGRAM = join(import.meta.dirname, 'kernels', 'packed-rows.cpp')
const TYPES = ['q4_0', 'q4_1', 'q5_0', 'q8_0', 'q4_K', 'q5_K', 'q6_K']

const LineSchema = z.strictObject({
  library: z.string().transform((path) => basename(path)),
  type: z.enum(TYPES),
  /** From here on only where weights are packed. */
  rowsEqual: z.boolean().optional(),
  sameBits: z.boolean().optional(),
  digest: z.string().optional(),
  /** Of the products, against the same weights in double precision; relative. */
  error: z.number().optional(),
  errorUnpacked: z.number().optional(),
})
type Line = z.infer<typeof LineSchema>

let folder = ''
const lines: Line[] = []
/** Of each library, what the dynamic linker makes one for all libraries of a process. */
const shared: string[] = []

/** Every library that this CPU runs: that of this machine, and those of the images. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'serantau-kernels-'))
  const bare = join(folder, 'llama.cpp')
  await run('git', ['clone', '--quiet', '--bare', BUNDLE, bare])
  const headers = join(folder, 'headers.tar')
  await run('git', ['--git-dir', bare, 'archive', '-o', headers, 'HEAD', 'ggml/include'])
  await run('tar', ['-xf', headers, '-C', folder])
  for (const kind of ['native', 'all-variants'] as const) {
    const built = await ensureAddon(() => undefined, kind)
    const libraries = (await readdir(built.folder)).filter((name) => name.startsWith('libggml-cpu'))
    const program = join(folder, kind)
    const include = `-I${join(folder, 'ggml', 'include')}`
    const base = join(built.folder, 'libggml-base.so')
    await run('c++', ['-O1', '-std=c++17', include, PROGRAM, '-o', program, base, '-ldl'])
    const paths = libraries.map((name) => join(built.folder, name))
    const symbols = await run('nm', ['--dynamic', '--demangle', '--print-file-name', ...paths])
    shared.push(...symbols.split('\n').filter((line) => / u .*ggml/.test(line)))
    const printed = await run(program, paths, {
      env: { ...process.env, LD_LIBRARY_PATH: built.folder },
    })
    lines.push(
      ...printed
        .trim()
        .split('\n')
        .map((line) => LineSchema.parse(JSON.parse(line))),
    )
  }
}, 1_800_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

const packed = () => lines.filter(({ digest }) => digest !== undefined)

test('weights of every type are packed where the CPU has AVX2', () => {
  const hasAvx2 = / avx2\b/.test(readIfThere('/proc/cpuinfo') ?? '')
  const native = packed().filter(({ library }) => library === 'libggml-cpu.so')
  expect(native.map(({ type }) => type)).toEqual(hasAvx2 ? TYPES : [])
  expect(lines.length).toBeGreaterThan(TYPES.length)
})

// An engine looks at the libraries for all CPUs in the order of their folder, and serves with one of them.
test('no library computes with what is another one’s', () => {
  expect(shared).toEqual([])
})

test('a product is the same bits for one column and many, with one thread and three', () => {
  expect(packed().filter(({ sameBits }) => !sameBits)).toEqual([])
})

test('a product is the same bits with every instruction set', () => {
  for (const type of TYPES) {
    const digests = packed().filter((line) => line.type === type)
    expect(new Set(digests.map(({ digest }) => digest)).size).toBeLessThanOrEqual(1)
  }
})

test('a row that is looked up is what it is unpacked', () => {
  expect(packed().filter(({ rowsEqual }) => !rowsEqual)).toEqual([])
})

test('a product is no further from the exact one than unpacked', () => {
  const worse = packed().filter(
    ({ error = Infinity, errorUnpacked = 0 }) => error > errorUnpacked * 1.001,
  )
  expect(worse).toEqual([])
})
