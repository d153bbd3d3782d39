import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cpuOf } from '../../../catalog/index.ts'
import { run } from '../command.ts'
import { PROJECT } from '../image/app-files.ts'

/** `native`: for this machine's CPU. `all-variants`: for every CPU, chosen when it is loaded. */
export type AddonKind = 'native' | 'all-variants'

/** Everything that a build depends on. */
export interface Inputs {
  kind: AddonKind
  /** Version of node-llama-cpp, whose package holds the source. */
  engine: string
  /** Release of llama.cpp in it, which its libraries carry in their names. */
  release: string
  /** SHA-256 of llama.cpp's source. */
  source: string
  patches: { name: string; sha256: string }[]
  compiler: string
  arch: string
  cpu: { model: string; features: string[] }
}

/** Raise it when the way of building changes what comes out. */
const RECIPE = 1

export const ENGINE_PACKAGE = join(PROJECT, 'node_modules', 'node-llama-cpp')
export const PATCHES = join(PROJECT, 'server', 'engine', 'patches')

const SAME: readonly string[] = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DGGML_OPENMP=ON',
  '-DGGML_CCACHE=OFF',
  '-DGGML_METAL=OFF',
  '-DGGML_BUILD_NUMBER=1',
  // Nothing that could fetch: weights are given as files.
  '-DLLAMA_CURL=OFF',
  '-DLLAMA_HTTPLIB=OFF',
  '-DLLAMA_BUILD_BORINGSSL=OFF',
  '-DLLAMA_OPENSSL=OFF',
]
const OWN: Record<AddonKind, readonly string[]> = {
  native: ['-DGGML_NATIVE=ON'],
  'all-variants': ['-DGGML_NATIVE=OFF', '-DGGML_BACKEND_DL=ON', '-DGGML_CPU_ALL_VARIANTS=ON'],
}

/** CMake's definitions. Pure. */
export function definitions({ kind, arch, release }: Inputs): string[] {
  const platform = ['CURRENT', 'TARGET'].map((which) => `-DNLC_${which}_PLATFORM=linux-${arch}`)
  return [...SAME, ...OWN[kind], ...platform, `-DNLC_VARIANT=${release}`]
}

/** Names a build: another input is another build. The CPU counts only where the code is for it. Pure. */
export function keyOf(inputs: Inputs): string {
  const { kind, engine, source, patches, compiler, arch, cpu } = inputs
  const own = kind === 'native' ? cpu : undefined
  const all = [RECIPE, engine, source, patches, compiler, arch, definitions(inputs), own ?? null]
  return createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 16)
}

/** Reads them from this machine and checkout. The compiler must be there. */
export async function readInputs(kind: AddonKind, withPatches: boolean): Promise<Inputs> {
  const json = async (path: string): Promise<Record<string, string>> =>
    JSON.parse(await readFile(join(ENGINE_PACKAGE, path), 'utf8')) as Record<string, string>
  const [compiler = ''] = (await run('c++', ['--version'])).split('\n')
  return {
    kind,
    engine: (await json('package.json'))['version'] ?? '',
    release: (await json('llama/binariesGithubRelease.json'))['release'] ?? '',
    source: await sha256Of(join(ENGINE_PACKAGE, 'llama', 'gitRelease.bundle')),
    patches: withPatches ? await readPatches() : [],
    compiler,
    arch: process.arch,
    cpu: cpuOf(await readFile('/proc/cpuinfo', 'utf8')),
  }
}

async function readPatches(): Promise<Inputs['patches']> {
  const files = await readdir(PATCHES).catch(() => [])
  const names = files.filter((file) => file.endsWith('.diff')).sort()
  return Promise.all(
    names.map(async (name) => ({ name, sha256: await sha256Of(join(PATCHES, name)) })),
  )
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk)
  return hash.digest('hex')
}
