import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createKey } from '../../infra/first-key.ts'
import { ensurePassphrase, passphrasePath } from '../../infra/passphrase.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'serantau-home-'))
  vi.stubEnv('SERANTAU_HOME', home)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(home, { recursive: true })
})

test('a new key lies in a 0600 file and only its hash is returned', async () => {
  const { key, path } = await createKey('local', 'default')
  const secret = (await readFile(path, 'utf8')).trim()
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(key.sha256).toBe(createHash('sha256').update(secret).digest('hex'))
  expect(JSON.stringify(key)).not.toContain(secret)
})

test('a key that cannot be stored names the file', async () => {
  await writeFile(join(home, 'keys'), 'a file where the folder should be')
  await expect(createKey('local', 'default')).rejects.toMatchObject({
    code: 'KEY_FILE_UNUSABLE',
    message: expect.stringContaining('SERANTAU_HOME'),
  })
})

test('the passphrase is made once and kept', async () => {
  const first = await ensurePassphrase()
  expect(await ensurePassphrase()).toBe(first)
  expect((await stat(passphrasePath())).mode & 0o777).toBe(0o600)
})
