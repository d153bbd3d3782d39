import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

const CRASHES = join(import.meta.dirname, '..', 'helpers', 'crashes.ts')
const pattern = () => readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim()
/** Where dumps go to a program of the node, or to its own folder, they can't be looked at. */
const dumpsHere = process.platform === 'linux' && /^[^|/]+$/.test(pattern())

const CANARY = /canary-\d+-in-memory/

let folder = ''
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'serantau-core-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Whether the dump of a process that held a canary holds it too; undefined: there is none. */
async function canaryIn(how: string): Promise<boolean | undefined> {
  const script = `ulimit -c unlimited && exec "$0" "$@"`
  const args = ['-c', script, process.execPath, CRASHES, how]
  await promisify(execFile)('sh', args, { cwd: folder }).catch(() => undefined)
  const [core] = readdirSync(folder)
  return core === undefined ? undefined : CANARY.test(readFileSync(join(folder, core), 'latin1'))
}

test.runIf(dumpsHere)('a core dump holds nothing of what the process held in memory', async () => {
  expect(await canaryIn('left out')).not.toBe(true)
})

test.runIf(dumpsHere)('nor does that of a child', async () => {
  expect(await canaryIn('left out, child')).not.toBe(true)
})

test.runIf(dumpsHere)('one of a process that says nothing does', async () => {
  expect(await canaryIn('as it comes')).toBe(true)
})
