import { mkdtemp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  installedProvider,
  installOfflineProvider,
  pluginFolder,
} from '../../../../infra/local/provider/install.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'serantau-pulumi-'))
})
afterEach(() => rm(home, { recursive: true }))

test('the launcher stands where the engine looks, runs this Node, and a second call changes nothing', async () => {
  expect(await installedProvider(home)).toBeUndefined()
  await installOfflineProvider(home)
  const path = join(pluginFolder(home), 'pulumi-resource-kubernetes')
  expect(pluginFolder(home)).toMatch(/plugins\/resource-kubernetes-v4\.\d+\.\d+$/)
  const first = await stat(path)
  expect(first.mode & 0o111).toBe(0o111)
  expect(await readFile(path, 'utf8')).toContain(process.execPath)
  await installOfflineProvider(home)
  expect((await stat(path)).ino).toBe(first.ino)
  expect(await installedProvider(home)).toBe('offline')
})

test('the official provider is recognised and never overwritten', async () => {
  await mkdir(pluginFolder(home), { recursive: true })
  const path = join(pluginFolder(home), 'pulumi-resource-kubernetes')
  await writeFile(path, '\x7fELF official')
  expect(await installedProvider(home)).toBe('official')
  await expect(installOfflineProvider(home)).rejects.toThrow('not overwritten')
  expect(await readFile(path, 'utf8')).toBe('\x7fELF official')
})
