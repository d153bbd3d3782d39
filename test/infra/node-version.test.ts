import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { ROOT } from '../helpers/project.ts'

/** Runs a file in a process that takes itself for another Node. */
const runAs = (version: string, file: string) =>
  promisify(execFile)(process.execPath, [
    '--import',
    `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`,
    join(ROOT, file),
  ])

test.each(['20.20.2', '22.17.1'])(
  'plain `pulumi up` on Node %s says in one line what is needed',
  async (version) => {
    const failure = await runAs(version, 'infra/main.js').catch((error: unknown) => error)
    const { stderr, code } = failure as { stderr: string; code: number }
    expect(code).toBe(1)
    expect(stderr).toBe(
      `Node: expected >= 22.18, got ${version}. Fix: install Node 22.18 or newer, or use \`npm run up\`, which brings its own.\n`,
    )
  },
)

test('`npm run` scripts refuse a Node that is too old even for them', async () => {
  const failure = await runAs('18.20.0', 'cli/bootstrap.mjs').catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 3, stderr: expect.stringContaining('expected >= 20') })
})
