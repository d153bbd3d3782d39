import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from '../../../infra/local/command.ts'
import { isDirty, labelOf, refuseChanges, sourceState } from './source-state.ts'

let folder = ''
const PAGE = join('docs', 'reference', 'bench-engine.md')
const git = (...args: string[]) => run('git', args, { folder })
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'serantau-source-'))
  await mkdir(join(folder, 'docs', 'reference'), { recursive: true })
  for (const name of ['source.ts', PAGE]) await writeFile(join(folder, name), 'a')
  await git('init', '--quiet')
  await git('add', '.')
  await git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '-m', 'all')
})
afterEach(() => rm(folder, { recursive: true }))

test('a source without changes may be written of; its own pages are no change', async () => {
  await writeFile(join(folder, PAGE), 'b')
  const state = await sourceState(folder)
  expect(labelOf(state)).toBe((await git('rev-parse', '--short', 'HEAD')).trim())
  expect(isDirty(labelOf(state))).toBe(false)
  expect(() => refuseChanges(state)).not.toThrow()
})

test('a changed source is labelled so and not written of, staged or not', async () => {
  await writeFile(join(folder, 'source.ts'), 'b')
  for (const stage of [false, true]) {
    if (stage) await git('add', '.')
    const state = await sourceState(folder)
    expect(isDirty(labelOf(state))).toBe(true)
    expect(() => refuseChanges(state)).toThrow('--write: expected a working tree without changes')
    expect(() => refuseChanges(state)).toThrow('changes in source.ts')
  }
})
