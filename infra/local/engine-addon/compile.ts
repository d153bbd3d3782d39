import { createHash } from 'node:crypto'
import { access, copyFile, cp, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { KitError } from '../../../catalog/index.ts'
import { run } from '../command.ts'
import { PROJECT } from '../image/app-files.ts'
import { definitions, ENGINE_PACKAGE, PATCHES, type Inputs } from './recipe.ts'

/**
 * Compiles the addon in `work`, which it empties first, and puts its files into `target`. Fetches
 * nothing. The caller holds a lock on `work`: a fixed path, so that `objects` (what was compiled
 * before) serves again after a kill or a changed patch.
 */
export async function compileAddon(
  inputs: Inputs,
  work: string,
  objects: string,
  target: string,
): Promise<void> {
  await emptyFolder(work)
  try {
    await compileIn(inputs, work, objects, target)
  } finally {
    await emptyFolder(work)
  }
}

async function compileIn(
  inputs: Inputs,
  work: string,
  objects: string,
  target: string,
): Promise<void> {
  const source = join(work, 'llama')
  await prepareSource(source, inputs)
  const env = await environment(work, objects, inputs)
  const output = join(work, 'out')
  await run(
    'cmake',
    [
      ...['-G', 'Ninja', '-S', source, '-B', output],
      `-DCMAKE_JS_INC=${join(PROJECT, 'node_modules', 'node-api-headers', 'include')}`,
      ...definitions(inputs),
      ...prefixMap(work),
      ...(await launcher()),
    ],
    { env },
  )
  const jobs = ['--parallel', String(availableParallelism())]
  await run('cmake', ['--build', output, '--target', 'llama-addon', ...jobs], { env })
  await mkdir(target, { recursive: true })
  await copyFile(join(output, 'llama-addon.node'), join(target, 'llama-addon.node'))
  const libraries = (await readdir(join(output, 'bin'))).filter((name) => name.endsWith('.so'))
  for (const name of libraries) await copyFile(join(output, 'bin', name), join(target, name))
}

/** A compiler that outlived its killed parent must not write into the next build. */
async function emptyFolder(work: string): Promise<void> {
  const aside = `${work}.${process.pid}`
  await rename(work, aside).catch(() => undefined)
  await rm(aside, { recursive: true, force: true, maxRetries: 3 })
  await mkdir(work, { recursive: true })
}

/** The addon's source and llama.cpp's, with the library's own patches and ours. */
async function prepareSource(source: string, { patches }: Inputs): Promise<void> {
  const shipped = join(ENGINE_PACKAGE, 'llama')
  for (const part of ['addon', 'cmake', 'profiles', 'CMakeLists.txt']) {
    await cp(join(shipped, part), join(source, part), { recursive: true })
  }
  const llamaCpp = join(source, 'llama.cpp')
  await run('git', ['clone', '--quiet', join(shipped, 'gitRelease.bundle'), llamaCpp])
  // The prebuilt addon has them too: node-llama-cpp applies them to the release that it ships.
  const own = await readdir(join(shipped, 'patches'))
  for (const name of own.sort()) await applyPatch(llamaCpp, join(shipped, 'patches', name))
  for (const { name } of patches) await applyPatch(source, join(PATCHES, name))
}

async function applyPatch(folder: string, patch: string): Promise<void> {
  // Git would take the folder for a part of a repository around it and skip every file.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(folder) }
  const args = ['apply', '-p1', '--ignore-whitespace', '--whitespace=nowarn', patch]
  try {
    await run('git', args, { folder, env })
  } catch (error) {
    throw new KitError(
      'TOOL_BUILD_FAILED',
      {
        path: patch,
        expected: 'a patch that fits the source of the engine',
        got: (error as Error).message,
        fix: 'make the patch anew for this version, or build without ours: --no-patches',
      },
      { cause: error },
    )
  }
}

/** The user's own flags must not change what is built; CMake asks `node` where its headers are. */
async function environment(
  work: string,
  objects: string,
  { cpu }: Inputs,
): Promise<NodeJS.ProcessEnv> {
  await mkdir(objects, { recursive: true })
  return {
    ...process.env,
    ...{
      CC: undefined,
      CXX: undefined,
      CFLAGS: undefined,
      CXXFLAGS: undefined,
      LDFLAGS: undefined,
    },
    PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`,
    NODE_PATH: join(PROJECT, 'node_modules'),
    CCACHE_DIR: objects,
    CCACHE_MAXSIZE: '500M',
    // It knows an object by its flags, and `-march=native` is another one on another CPU. A digest,
    // because it writes files that it cannot read again for a name of more than 255 bytes.
    CCACHE_NAMESPACE: createHash('sha256').update(JSON.stringify(cpu)).digest('hex').slice(0, 16),
  }
}

/** Where it was built stays out of what was built. */
const prefixMap = (work: string): string[] =>
  ['C', 'CXX'].map((language) => `-DCMAKE_${language}_FLAGS=-ffile-prefix-map=${work}=.`)

async function launcher(): Promise<string[]> {
  const there = await access('/usr/bin/ccache').then(
    () => true,
    () => false,
  )
  if (!there) return []
  return ['C', 'CXX'].map((language) => `-DCMAKE_${language}_COMPILER_LAUNCHER=/usr/bin/ccache`)
}
