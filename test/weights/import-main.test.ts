import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { ggufFile, text } from '../helpers/small-gguf.ts'
import { CHAT, changed } from '../helpers/small-models.ts'

const MAIN = fileURLToPath(new URL('../../weights/import-main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'serantau-import-'))
const store = join(folder, 'store')
const file = join(folder, 'model.gguf')
const data = ggufFile(CHAT)
writeFileSync(file, data)
const sha256 = createHash('sha256').update(data).digest('hex')
afterAll(() => rmSync(folder, { recursive: true }))

function run(more: string[], digest = sha256, bytes = data.length) {
  const args = ['--sha256', digest, '--bytes', `${bytes}`, '--store', store, ...more]
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

test('a file in place is verified there and named in one JSON line', () => {
  const { status, stdout } = run(['--file', file])
  expect(status).toBe(0)
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([{ path: file, sha256, bytes: data.length }])
  expect(existsSync(store)).toBe(false)
})

test('a file with its digest that holds no whole model is not taken, in place or into the store', () => {
  const adapter = join(folder, 'adapter.gguf')
  const content = ggufFile(changed(CHAT, [text('general.type', 'adapter')]))
  writeFileSync(adapter, content)
  const digest = createHash('sha256').update(content).digest('hex')
  const { status, stdout, stderr } = run(['--file', adapter], digest, content.length)
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toContain('WEIGHTS_NOT_SERVABLE: ')
  expect(stderr).toContain('"general.type": expected "model", got "adapter"')
})

test.each([
  ['another digest', ['--file', file], 'a'.repeat(64), data.length, 1, 'WEIGHTS_CORRUPT'],
  ['another size', ['--file', file], sha256, 5, 1, 'WEIGHTS_CORRUPT'],
  ['no file', ['--file', join(folder, 'none')], sha256, 5, 1, 'WEIGHTS_UNAVAILABLE'],
  ['neither source nor file', [], sha256, data.length, 1, 'WEIGHTS_UNAVAILABLE'],
  ['plain http', ['--url', 'http://a.example/x'], sha256, data.length, 2, 'USAGE: --url'],
  ['both', ['--url', 'https://a.example/x', '--file', file], sha256, 1, 2, 'USAGE: --url'],
  ['a short digest', [], 'abc', data.length, 2, 'USAGE: --sha256'],
  ['no size', [], sha256, 0, 2, 'USAGE: --bytes'],
  ['an unknown option', ['--force'], sha256, 1, 2, 'USAGE: command line'],
])('%s ends with its code and nothing on stdout', (_name, more, digest, bytes, exit, says) => {
  const { status, stdout, stderr } = run(more, digest, bytes)
  expect({ status, stdout }).toEqual({ status: exit, stdout: '' })
  expect(stderr).toContain(says)
})
