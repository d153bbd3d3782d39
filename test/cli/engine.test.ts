import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ROOT, TestProject } from '../helpers/project.ts'

const REPLACED = pathToFileURL(join(ROOT, 'test/helpers/simulated-build.ts')).href

describe('`engine build`', () => {
  let project: TestProject
  beforeEach(async () => {
    project = await TestProject.create()
  })
  afterEach(() => project.remove())

  /** The build itself is replaced: `fate` says what becomes of it. */
  const build = (args: readonly string[], fate = '') =>
    project.run(['engine', 'build', ...args], {
      NODE_OPTIONS: `--import=${REPLACED}`,
      SIMULATED_BUILD: fate,
    })

  test('says where the engine is, for which CPU and with which patches, and its progress on stderr', async () => {
    const { status, stdout, stderr } = await build([])
    expect(stdout).toBe(
      'engine   /engine/Release\n' +
        'cpu      AMD EPYC\n' +
        'patches  0001-a.diff 123456789abc, 0002-b.diff cba\n',
    )
    expect(stderr).toContain('build engine: native')
    expect(stderr).toContain('build engine done')
    expect(status).toBe(0)
  })

  test('builds for every CPU, and without our patches, where it is told to', async () => {
    const { status, stdout, stderr } = await build(['--all-variants', '--no-patches'])
    expect(stdout).toBe('engine   /engine/Release\ncpu      every CPU\npatches  none\n')
    expect(stderr).toContain('build engine: all-variants')
    expect(status).toBe(0)
  })

  test('with -o json says the same as data', async () => {
    const { status, stdout } = await build(['-o', 'json'])
    expect(JSON.parse(stdout)).toEqual({
      placed: '/engine/Release',
      record: {
        ...{ engine: '3.22.1', key: 'k', cpu: { model: 'AMD EPYC', features: ['avx2'] } },
        ...{ patches: ['0001-a.diff 123456789abc', '0002-b.diff cba'], files: {} },
      },
    })
    expect(status).toBe(0)
  })

  test.each(['TOOL_MISSING', 'DISK_FULL'])(
    'that fails with %s exits with 3 and says what to do, and nothing on stdout',
    async (code) => {
      const { status, stdout, stderr } = await build([], code)
      expect([status, stdout]).toEqual([3, ''])
      expect(stderr).toContain('build engine failed')
      expect(stderr).toContain(
        `Error ${code}\n  the engine: expected a build, got none. Fix: try again`,
      )
    },
  )

  test('that fails is data on stdout with -o json', async () => {
    const { status, stdout } = await build(['-o', 'json'], 'TOOL_BUILD_FAILED')
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'TOOL_BUILD_FAILED', problems: [{ path: 'the engine' }] },
    })
    expect(status).toBe(3)
  })

  test('that fails as nobody foresaw exits with 1', async () => {
    const { status, stdout, stderr } = await build([], 'broken')
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toContain('nobody foresaw it')
  })

  test.each([[['--fast']], [['now']]])(
    'refuses %j with 2, before anything is built',
    async (args) => {
      const { status, stdout, stderr } = await build(args)
      expect([status, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(/error: /)
      expect(stderr).not.toContain('build engine')
    },
  )
})

test('`engine` without a verb of its own says what there is, and exits with 2', async () => {
  const project = await TestProject.create()
  const { status, stdout, stderr } = await project.run(['engine'])
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr).toContain('build')
  await project.remove()
})
