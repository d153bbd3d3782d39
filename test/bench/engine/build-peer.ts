import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { cp, mkdir, readFile, readdir, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { KitError } from '../../../catalog/errors.ts'
import { putEntry, verified } from '../../../infra/local/cache-entry.ts'
import { run } from '../../../infra/local/command.ts'
import { withLock } from '../../../infra/local/lock.ts'
import { cacheFolder } from '../../../infra/local/paths.ts'
import { type Report, asStep } from '../../../infra/progress.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
/** The very source that our engine is compiled from. */
const BUNDLE = join(ROOT, 'node_modules', 'node-llama-cpp', 'llama', 'gitRelease.bundle')
const TARGETS = ['llama-server', 'llama-bench', 'llama-batched-bench'] as const
/** Native code and OpenMP, as llama.cpp's own defaults are; the UI would be fetched. */
const FLAGS = [
  ...['-DCMAKE_BUILD_TYPE=Release', '-DLLAMA_BUILD_UI=OFF', '-DLLAMA_USE_PREBUILT_UI=OFF'],
  ...['-DLLAMA_BUILD_TESTS=OFF', '-DLLAMA_CURL=OFF', '-DGGML_CCACHE=OFF', '-DLLAMA_OPENSSL=OFF'],
]
const LOCK_WAIT_MS = 1_800_000

export interface Peer {
  server: string
  batchedBench: string
  /** What its programs need in their environment. */
  env: Record<string, string>
  /** Changes with source, flags, compiler and processor. */
  key: string
}

/**
 * llama-server, llama-bench and llama-batched-bench from the source inside the npm package: found in
 * the cache or built, about 8 minutes on two cores. Fails with TOOL_MISSING, TOOL_BUILD_FAILED.
 */
export async function ensurePeer(report: Report): Promise<Peer> {
  const { folder, key } = await ensurePrograms('llama-server', TARGETS, report)
  return {
    server: join(folder, 'llama-server'),
    batchedBench: join(folder, 'llama-batched-bench'),
    env: { LD_LIBRARY_PATH: folder },
    key,
  }
}

/** Programs of llama.cpp with their libraries in one folder, and what they were built of. */
export async function ensurePrograms(
  name: string,
  targets: readonly [string, ...string[]],
  report: Report,
): Promise<{ folder: string; key: string }> {
  const key = await keyOf(targets)
  const parent = join(cacheFolder(), 'tools', name)
  const entry = join(parent, key)
  const program =
    (await verified(entry)) ??
    (await withLock(join(parent, 'lock'), name, LOCK_WAIT_MS, async () => {
      const meanwhile = await verified(entry)
      if (meanwhile !== undefined) return meanwhile
      return asStep(report, `build ${name}`, "from the engine's own source (minutes)", () =>
        putEntry(entry, (folder) => build(folder, targets)).catch((error: unknown) => {
          throw buildFailed(error as Error, name)
        }),
      )
    }))
  return { folder: dirname(program), key }
}

/** Native code differs by processor, so its features are part of the key. */
async function keyOf(targets: readonly string[]): Promise<string> {
  const compiler = await program('c++', ['--version'])
  const hash = createHash('sha256').update(JSON.stringify([FLAGS, targets, compiler]))
  const processor = await readFile('/proc/cpuinfo', 'utf8').catch(() => '')
  hash.update(/^(flags|Features)\s*:.*$/m.exec(processor)?.[0] ?? '')
  for await (const chunk of createReadStream(BUNDLE)) hash.update(chunk)
  return hash.digest('hex').slice(0, 16)
}

async function build(
  folder: string,
  targets: readonly [string, ...string[]],
): Promise<{ file: string; how: 'built' }> {
  for (const name of ['git', 'cmake', 'ninja']) await program(name, ['--version'])
  const [source, output] = [join(folder, 'source'), join(folder, 'build')]
  await run('git', ['clone', '--quiet', BUNDLE, source])
  await run('cmake', ['-G', 'Ninja', '-S', source, '-B', output, ...FLAGS])
  const jobs = `-j${availableParallelism()}`
  await run('cmake', ['--build', output, '--target', ...targets, jobs])
  await mkdir(join(folder, 'bin'))
  for (const name of await readdir(join(output, 'bin'))) {
    const [from, to] = [join(output, 'bin', name), join(folder, 'bin', name)]
    await cp(from, to, { verbatimSymlinks: true })
  }
  await rm(source, { recursive: true })
  await rm(output, { recursive: true })
  return { file: join('bin', targets[0]), how: 'built' }
}

async function program(name: string, args: string[]): Promise<string> {
  return run(name, args).catch((error: unknown) => {
    throw new KitError(
      'TOOL_MISSING',
      {
        path: name,
        expected: 'git, cmake, ninja and a C++ compiler, which build the peer',
        got: (error as Error).message,
        fix: 'install them (Debian: apt-get install git cmake ninja-build g++)',
      },
      { cause: error },
    )
  })
}

function buildFailed(error: Error, path: string): Error {
  if (error instanceof KitError) return error
  const expected = 'a build that ends with a working program'
  const fix = 'read the message above; --arms without llama-server needs no build'
  const problem = { path, expected, got: error.message, fix }
  return new KitError('TOOL_BUILD_FAILED', problem, { cause: error })
}
