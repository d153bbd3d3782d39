import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { patchNames } from './write-page.ts'

test('patches are named by their files, in their order', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'serantau-patches-'))
  for (const name of ['0002-b.diff', '0001-a.diff', 'README.md'])
    await writeFile(join(folder, name), '')
  expect(await patchNames(folder)).toEqual(['0001-a', '0002-b'])
  await rm(folder, { recursive: true })
})
