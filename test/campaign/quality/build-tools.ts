import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { cp, mkdir, readFile, readdir, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { putEntry, verified } from '../../../infra/local/cache-entry.ts'
import { run } from '../../../infra/local/command.ts'
import { withLock } from '../../../infra/local/lock.ts'
import { cacheFolder } from '../../../infra/local/paths.ts'
import { type Report, asStep } from '../../../infra/progress.ts'
import { ROOT } from '../../helpers/project.ts'

/** The very source that our engine is compiled from, as llama-server of the benchmark is. */
const BUNDLE = join(ROOT, 'node_modules', 'node-llama-cpp', 'llama', 'gitRelease.bundle')
const TARGETS = ['llama-perplexity', 'llama-quantize']
/** llama.cpp's own defaults: kernels of this processor, and OpenMP. */
const FLAGS = [
  ...['-DCMAKE_BUILD_TYPE=Release', '-DLLAMA_BUILD_UI=OFF', '-DLLAMA_USE_PREBUILT_UI=OFF'],
  ...['-DLLAMA_BUILD_TESTS=OFF', '-DLLAMA_CURL=OFF', '-DGGML_CCACHE=OFF', '-DLLAMA_OPENSSL=OFF'],
]
const LOCK_WAIT_MS = 1_800_000

export interface LlamaTools {
  perplexity: string
  quantize: string
  /** Of both, with their libraries. */
  folder: string
}

/** Found in the cache, or built with git, cmake, ninja and a C++ compiler. */
export async function ensureTools(report: Report): Promise<LlamaTools> {
  const parent = join(cacheFolder(), 'tools', 'llama-tools')
  const entry = join(parent, await toolsKey())
  const perplexity =
    (await verified(entry)) ??
    (await withLock(join(parent, 'lock'), 'llama-tools', LOCK_WAIT_MS, async () => {
      const meanwhile = await verified(entry)
      if (meanwhile !== undefined) return meanwhile
      const what = `${TARGETS.join(' and ')}, from the engine's own source`
      return asStep(report, 'build llama-tools', what, () => putEntry(entry, build))
    }))
  const folder = dirname(perplexity)
  return { perplexity, quantize: join(folder, 'llama-quantize'), folder }
}

/** Native code differs by processor, so its features are part of the key. */
async function toolsKey(): Promise<string> {
  const compiler = await run('c++', ['--version'])
  const hash = createHash('sha256').update(JSON.stringify([FLAGS, TARGETS, compiler]))
  const processor = await readFile('/proc/cpuinfo', 'utf8').catch(() => '')
  hash.update(/^(flags|Features)\s*:.*$/m.exec(processor)?.[0] ?? '')
  for await (const chunk of createReadStream(BUNDLE)) hash.update(chunk)
  return hash.digest('hex').slice(0, 16)
}

async function build(folder: string): Promise<{ file: string; how: 'built' }> {
  const [source, output] = [join(folder, 'source'), join(folder, 'build')]
  await run('git', ['clone', '--quiet', BUNDLE, source])
  await run('cmake', ['-G', 'Ninja', '-S', source, '-B', output, ...FLAGS])
  const jobs = `-j${availableParallelism()}`
  await run('cmake', ['--build', output, '--target', ...TARGETS, jobs])
  await mkdir(join(folder, 'bin'))
  for (const name of await readdir(join(output, 'bin'))) {
    const [from, to] = [join(output, 'bin', name), join(folder, 'bin', name)]
    await cp(from, to, { verbatimSymlinks: true })
  }
  await rm(source, { recursive: true })
  await rm(output, { recursive: true })
  return { file: join('bin', TARGETS[0]!), how: 'built' }
}
