import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, chmodSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { KeysFileSchema } from '../../catalog/keys-file.ts'
import { readOptions } from '../../server/config.ts'
import { samplingOptions } from '../../server/engine/sampling-options.ts'
import { ensureFirstKey } from '../../server/first-key.ts'
import { DIGEST, sha256 } from '../helpers/roles.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'serantau-config-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const gateway = {
  role: 'gateway',
  models: [{ id: 'm', digest: DIGEST, licence: 'MIT', url: 'http://m:8080' }],
}

function options(config: unknown, ...more: string[]) {
  const file = join(folder, 'serving.json')
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config))
  return readOptions(['--config', file, '--keys', '/k.json', ...more])
}

test('a config is read with its limits and the default ports', () => {
  const { config, ...rest } = options(gateway)
  expect(config).toMatchObject({ role: 'gateway', limits: { maxBodyBytes: 1_048_576 } })
  expect(rest).toEqual({
    ...{ keysFile: '/k.json', host: '0.0.0.0', port: 8080, metricsPort: 9090 },
    drainDelayMs: 3000,
  })
})

test('a config written before the time limits had names is read with their defaults', () => {
  const model = {
    ...{ id: 'a', digest: 'ab'.repeat(32), licence: 'MIT', file: '/a.gguf' },
    ...{ contextSize: 64, slots: 4, chat: true },
  }
  const limits = { firstTokenMs: 30_000, interTokenMs: 100, maxQueued: 64 }
  expect(options({ role: 'model', model }).config).toMatchObject({ model: limits })
})

test.each([
  ['an unknown option', gateway, ['--prot', '1'], 'USAGE', 'command line'],
  ['a port that is none', gateway, ['--port', '70000'], 'USAGE', '--port'],
  ['a negative drain', gateway, ['--drain-delay-ms=-1'], 'USAGE', '--drain-delay-ms'],
  ['text that is not JSON', '{', [], 'USAGE', '--config'],
  ['an unknown field', { ...gateway, modle: 1 }, [], 'STACK_FILE_INVALID', 'serving.json'],
  ['no models', { role: 'gateway', models: [] }, [], 'STACK_FILE_INVALID', 'models'],
])('%s is a coded error that names the place', (_name, config, more, code, says) => {
  expect(() => options(config, ...more)).toThrow(expect.objectContaining({ code }))
  expect(() => options(config, ...more)).toThrow(says)
})

test('the first key is made once, is for its owner alone, and its hash opens the door', () => {
  const first = ensureFirstKey(folder)
  const key = readFileSync(first.keyPath, 'utf8').trim()
  expect(statSync(first.keyPath).mode & 0o777).toBe(0o600)
  expect(ensureFirstKey(folder)).toEqual(first)
  expect(readFileSync(first.keyPath, 'utf8').trim()).toBe(key)
  const keys = KeysFileSchema.parse(JSON.parse(readFileSync(first.keysFile, 'utf8')))
  expect(keys.keys).toEqual([{ name: 'npm-start', sha256: sha256(key), role: 'user' }])
})

test.each([
  ['others may read', (path: string) => chmodSync(path, 0o644), 'chmod 600'],
  ['is empty', (path: string) => writeFileSync(path, ''), 'remove the file'],
])('a key file that %s is refused with the fix', (_name, spoil, fix) => {
  spoil(ensureFirstKey(folder).keyPath)
  expect(() => ensureFirstKey(folder)).toThrow(
    expect.objectContaining({ code: 'KEY_FILE_UNUSABLE', message: expect.stringContaining(fix) }),
  )
})

test('every whole number is a seed, and none is read as "random"', () => {
  const seedOf = (seed: number) =>
    (
      samplingOptions({ temperature: 1, topP: 1, seed, maxTokens: 9 }) as {
        seed: number
      }
    ).seed
  const seeds = [0, 1, -1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]
  for (const seed of seeds) {
    expect(seedOf(seed)).toBeGreaterThanOrEqual(0)
    expect(seedOf(seed)).toBeLessThan(2 ** 32 - 1)
  }
  expect(seedOf(7)).not.toBe(seedOf(8))
})
