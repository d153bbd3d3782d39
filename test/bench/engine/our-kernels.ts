import { access, readdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { addonFolder } from '../../../catalog/addon-folder.ts'
import { KitError } from '../../../catalog/errors.ts'
import { BUILD_COMMAND } from '../../../server/engine/addon.ts'
import type { Peer } from './build-peer.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const KERNELS = 'libggml-cpu.so'
const RELEASE = join(ROOT, 'node_modules', 'node-llama-cpp', addonFolder(process.arch), 'Release')

/**
 * The peer's programs with the library that our engine was compiled with in place of theirs: what
 * differs then is not the kernels. Links to all libraries are made in `folder`, which is to be there
 * as long as they run. Fails with TOOL_MISSING without a compiled engine.
 */
export async function withOurKernels(
  peer: Peer,
  folder: string,
  release: string = RELEASE,
): Promise<Peer> {
  const ours = join(release, KERNELS)
  // Behind a link to nothing the loader would look for the stock library elsewhere.
  await access(ours).catch(notCompiled)
  const theirs = dirname(peer.server)
  for (const name of await readdir(theirs)) {
    if (!name.includes('.so')) continue
    const from = name.startsWith(KERNELS) ? ours : join(theirs, name)
    await symlink(from, join(folder, name))
  }
  return { ...peer, env: { ...peer.env, LD_LIBRARY_PATH: folder } }
}

function notCompiled(cause: unknown): never {
  const problem = {
    path: KERNELS,
    expected: 'a compiled engine, whose kernels the peer is to compute with',
    got: (cause as Error).message,
    fix: `run ${BUILD_COMMAND}`,
  }
  throw new KitError('TOOL_MISSING', problem, { cause })
}
