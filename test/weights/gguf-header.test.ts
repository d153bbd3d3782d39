import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkGgufHeader, ggufHeaderProblem } from '../../weights/gguf-header.ts'
import { ggufHeader, smallGguf } from '../helpers/small-gguf.ts'

test('a sound beginning is read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'serantau-gguf-'))
  const path = join(folder, 'a.gguf')
  writeFileSync(path, smallGguf())
  expect(await checkGgufHeader(path)).toEqual({ version: 3, tensors: 1, keyValues: 1 })
  writeFileSync(path, '')
  await expect(checkGgufHeader(path)).rejects.toMatchObject({ code: 'WEIGHTS_CORRUPT' })
  rmSync(folder, { recursive: true })
})

test.each([
  ['an empty file', Buffer.alloc(0), 0, 'a file of 0 bytes'],
  ['half a header', ggufHeader(1n, 1n).subarray(0, 23), 23, 'a file of 23 bytes'],
  ['another format', Buffer.alloc(24, 'x'), 24, 'begin with "GGUF"'],
  ['version 1', ggufHeader(1n, 1n, 1), 1000, 'GGUF version 1'],
  ['version 99', ggufHeader(1n, 1n, 99), 1000, 'GGUF version 99'],
  ['2^60 key-value pairs', ggufHeader(1n, 2n ** 60n), 1000, 'cannot fit into 1000 bytes'],
  ['2^60 tensors', ggufHeader(2n ** 60n, 1n), 1000, 'cannot fit into 1000 bytes'],
  ['2^64-1 of both', ggufHeader(2n ** 64n - 1n, 2n ** 64n - 1n), 10 ** 12, 'cannot fit'],
  ['claims and nothing behind them', ggufHeader(1n, 1n), 24, 'cannot fit into 24 bytes'],
  ['no tensor', ggufHeader(0n, 1n), 1000, '0 tensors'],
])('%s is refused with what was found', (_name, head, bytes, says) => {
  expect(ggufHeaderProblem(head, bytes)).toContain(says)
})
