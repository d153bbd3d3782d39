import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { withLock } from '../../infra/local/lock.ts'
import { TestProject } from '../helpers/project.ts'

const GOOD = `config:
  serantau:jurisdiction: { country: MY }
  serantau:cluster: { kind: local, name: cli-test }
  serantau:models: [{ id: smollm2-135m-instruct }]
`

describe('the command line', () => {
  let project: TestProject
  beforeEach(async () => {
    project = await TestProject.create()
  })
  afterEach(() => project.remove())

  const stackFile = (text: string) => writeFile(project.stackFile('local'), text)

  test.each(['up', 'preview', 'status'])(
    '`%s` on a wrong stack file exits with 2, names the path and makes nothing',
    async (verb) => {
      await stackFile(`${GOOD}  serantau:modles: 1\n`)
      const result = await project.run([verb])
      expect(result.status).toBe(2)
      expect(result.stdout).toBe('')
      expect(result.stderr).toContain('Error STACK_FILE_INVALID')
      expect(result.stderr).toContain(
        'serantau:modles: expected no such key, got 1. Fix: remove it',
      )
      const made = await readdir(project.home).catch(() => [])
      // `up` held its lock; no key, cluster or state came to be.
      expect(made.filter((name) => name !== 'locks')).toEqual([])
    },
  )

  test('with -o json an error is data on stdout', async () => {
    await stackFile(GOOD.replace('smollm2-135m-instruct', 'gpt-9'))
    const result = await project.run(['up', '-o', 'json'])
    expect(result.status).toBe(2)
    expect(JSON.parse(result.stdout)).toMatchObject({
      error: {
        code: 'MODEL_UNKNOWN',
        problems: [{ path: 'serantau:models[0].id', got: '"gpt-9"' }],
      },
    })
  })

  test('a second `up` of the stack at the same time is refused and changes nothing', async () => {
    await stackFile(GOOD)
    const lock = join(project.home, 'locks', 'local.lock')
    const result = await withLock(lock, 'the test', 0, () => project.run(['up']))
    expect(result.status).toBe(3)
    expect(result.stderr).toContain('Error LOCKED')
    expect(result.stderr).toContain(String(process.pid))
    expect(await readdir(project.home)).toEqual(['locks'])
  })

  test('`down` without a terminal asks for --yes', async () => {
    await stackFile(GOOD)
    const result = await project.run(['down'])
    expect(result).toMatchObject({ status: 2, stderr: expect.stringContaining('add --yes') })
  })

  test.each([
    ['an unknown verb', ['fly']],
    ['an unknown option', ['up', '--fast']],
    ['an unknown output', ['up', '-o', 'xml']],
  ])('%s exits with 2 and says so', async (_what, args) => {
    const result = await project.run(args)
    expect(result.status).toBe(2)
    expect(result.stderr).toMatch(/error: .*(unknown|invalid)/)
  })

  test('--help names the verbs and the exit codes and exits with 0', async () => {
    const result = await project.run(['--help'])
    expect(result.status).toBe(0)
    for (const verb of [
      ...['up', 'preview', 'down', 'status', 'doctor', 'image', 'engine', 'models'],
    ]) {
      expect(result.stdout).toContain(verb)
    }
    expect(result.stdout).toContain('Exit codes: 0 done, 1 failed')
  })

  test('`doctor` tells for each need whether it is there and how to get it', async () => {
    const result = await project.run(['doctor', '-o', 'json'])
    const needs = JSON.parse(result.stdout) as { name: string; state: string; how: string }[]
    expect(needs.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Node', 'npm', 'python3', 'root on Linux', 'pulumi', 'kubernetes']),
    )
    for (const need of needs) {
      expect(['there', 'missing', 'later']).toContain(need.state)
      if (need.state !== 'there') expect(need.how).not.toBe('')
    }
    expect(result.status).toBe(needs.some(({ state }) => state === 'missing') ? 3 : 0)
  })

  test('`status` of a stack that was never up says that its cluster is down', async () => {
    await stackFile(GOOD)
    const result = await project.run(['status'])
    expect(result).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('local "cli-test" down'),
    })
  })
})
