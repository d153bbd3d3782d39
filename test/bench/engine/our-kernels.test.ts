import { mkdir, mkdtemp, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withOurKernels } from './our-kernels.ts'

let root = ''
const at = (...names: string[]) => join(root, ...names)
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'serantau-kernels-'))
  for (const name of ['bin', 'release', 'links']) await mkdir(at(name))
  const files = ['llama-server', 'libggml-cpu.so', 'libggml-cpu.so.0', 'libllama.so.0']
  for (const name of files) await writeFile(at('bin', name), '')
})
afterEach(() => rm(root, { recursive: true }))

const peer = () => ({
  ...{ server: at('bin', 'llama-server'), batchedBench: at('bin', 'llama-batched-bench') },
  ...{ env: { LD_LIBRARY_PATH: at('bin'), OTHER: 'kept' }, key: 'k' },
})

test('every name of the kernels leads to ours, every other library to theirs', async () => {
  await writeFile(at('release', 'libggml-cpu.so'), '')
  const changed = await withOurKernels(peer(), at('links'), at('release'))
  expect(changed.env).toEqual({ LD_LIBRARY_PATH: at('links'), OTHER: 'kept' })
  expect(changed.server).toBe(peer().server)
  for (const name of ['libggml-cpu.so', 'libggml-cpu.so.0']) {
    expect(await readlink(at('links', name))).toBe(at('release', 'libggml-cpu.so'))
  }
  expect(await readlink(at('links', 'libllama.so.0'))).toBe(at('bin', 'libllama.so.0'))
})

test('without a compiled engine nothing is measured under its name', async () => {
  await expect(withOurKernels(peer(), at('links'), at('release'))).rejects.toMatchObject({
    code: 'TOOL_MISSING',
  })
})
