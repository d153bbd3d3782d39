import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  clusterFolder,
  heldIndexes,
  hostNames,
  readState,
  writeState,
} from '../../../../infra/local/cluster/state.ts'

describe('state of an embedded cluster', () => {
  let home = ''
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'serantau-state-'))
    vi.stubEnv('SERANTAU_HOME', home)
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await rm(home, { recursive: true })
  })
  const state = (name: string, index: number) =>
    ({ schema: 1, name, index, created: new Date().toISOString() }) as const

  it('is none before the first start and what was written after it', async () => {
    expect(await readState('one')).toBeUndefined()
    await writeState(state('one', 4))
    expect(await readState('one')).toMatchObject({ name: 'one', index: 4 })
  })

  it('counts the addresses of all other clusters as held', async () => {
    await writeState(state('one', 4))
    await writeState(state('two', 7))
    expect(await heldIndexes('two')).toEqual(new Set([4]))
    expect(await heldIndexes('three')).toEqual(new Set([4, 7]))
  })

  it('names links and cgroups apart for clusters of one name in two folders', () => {
    const here = hostNames('one')
    expect(here.link).toMatch(/^serantau-[0-9a-f]{6}$/)
    expect(here.cgroup).toMatch(/^serantau-one-[0-9a-f]{6}$/)
    vi.stubEnv('SERANTAU_HOME', `${home}-other`)
    expect(hostNames('one').link).not.toBe(here.link)
    expect(hostNames('one').cgroup).not.toBe(here.cgroup)
  })

  it.each([
    ['an older schema', '{"schema":0,"name":"one"}', 'schema 0'],
    ['a newer schema', '{"schema":2,"name":"one","index":0}', 'schema 2'],
    ['half a file', '{"schema":1,', 'a file that is not such JSON'],
  ])('refuses %s and says how to go on', async (_, content, got) => {
    await mkdir(clusterFolder('one'), { recursive: true })
    await writeFile(join(clusterFolder('one'), 'state.json'), content)
    await expect(readState('one')).rejects.toMatchObject({
      code: 'STATE_INCOMPATIBLE',
      problems: [{ got, fix: expect.stringContaining(clusterFolder('one')) as string }],
    })
  })
})
