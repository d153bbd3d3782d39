import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { KitError } from '../../catalog/errors.ts'
import { putEntry, verified } from '../../infra/local/cache-entry.ts'
import { CommandError, run } from '../../infra/local/command.ts'
import { withLock } from '../../infra/local/lock.ts'
import { cacheFolder } from '../../infra/local/paths.ts'
import { type Report, asStep } from '../../infra/progress.ts'

/** Not all clients take the same `openai`. Each set is NAME.txt beside the scripts, made from NAME.in. */
export const PYTHON_SETS = ['openai-3', 'openai-2', 'conformance'] as const
export type PythonSet = (typeof PYTHON_SETS)[number]

const LOCK_WAIT_MS = 1_800_000
/** Exact versions with the hashes of their files; how it is made stands in it. */
const requirementsOf = (set: PythonSet) => join(import.meta.dirname, 'python', `${set}.txt`)

/**
 * Path of a Python that has the packages of a set and nothing else: found in the cache or installed, about
 * a minute. Fails with TOOL_MISSING, TOOL_BUILD_FAILED.
 */
export async function ensurePythonClients(set: PythonSet, report: Report): Promise<string> {
  const parent = join(cacheFolder(), 'tools', 'python-clients')
  const requirements = requirementsOf(set)
  const entry = join(parent, await keyOf(requirements))
  const listed =
    (await verified(entry)) ??
    (await withLock(join(parent, 'lock'), 'Python clients', LOCK_WAIT_MS, async () => {
      const meanwhile = await verified(entry)
      if (meanwhile !== undefined) return meanwhile
      return asStep(report, `install Python clients (${set})`, 'the tests ask with them', () =>
        putEntry(entry, (folder) => install(folder, requirements)).catch((error: unknown) => {
          throw installFailed(error as Error, requirements)
        }),
      )
    }))
  return join(dirname(listed), 'bin', 'python')
}

/** Packages are made for one Python, at its path. */
async function keyOf(requirements: string): Promise<string> {
  const about =
    'import sys, sysconfig; print(sys.version, sys.executable, sysconfig.get_platform())'
  const python = await run('python3', ['-c', about]).catch((error: unknown) => {
    const expected = 'python3 with pip, which installs the clients'
    const fix = 'install them (Debian: apt-get install python3 python3-pip)'
    const problem = { path: 'python3', expected, got: (error as Error).message, fix }
    throw new KitError('TOOL_MISSING', problem, { cause: error })
  })
  const hash = createHash('sha256')
    .update(python)
    .update(await readFile(requirements))
  return hash.digest('hex').slice(0, 16)
}

/** Without pip in it, which Debian's python3 cannot put there: the machine's own installs. */
async function install(
  folder: string,
  requirements: string,
): Promise<{ file: string; how: 'fetched' }> {
  const venv = join(folder, 'venv')
  const pip = ['-m', 'pip', '--python', join(venv, 'bin', 'python'), '--no-input', '--quiet']
  await run('python3', ['-m', 'venv', '--without-pip', venv])
  const hashed = ['--require-hashes', '--no-deps', '--requirement', requirements]
  await run('python3', [...pip, 'install', '--disable-pip-version-check', ...hashed])
  const file = join('venv', 'installed.txt')
  await writeFile(join(folder, file), await run('python3', [...pip, 'freeze']))
  return { file, how: 'fetched' }
}

function installFailed(error: Error, requirements: string): Error {
  if (!(error instanceof CommandError)) return error
  const problem = {
    path: 'Python clients',
    expected: `pip to install the packages of ${requirements}`,
    got: error.message,
    fix: "read the message above; a closed network needs a mirror of Python's package index (PIP_INDEX_URL)",
  }
  return new KitError('TOOL_BUILD_FAILED', problem, { cause: error })
}
