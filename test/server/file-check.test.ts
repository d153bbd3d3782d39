import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { forkEngine } from '../../server/engine/fork-engine.ts'
import type { EngineOptions, FromEngine } from '../../server/engine/protocol.ts'
import { ggufFile, number, text } from '../helpers/small-gguf.ts'
import { CHAT, changed } from '../helpers/small-models.ts'

const folder = mkdtempSync(join(tmpdir(), 'serantau-file-check-'))
const file = join(folder, 'a.gguf')
afterAll(() => rmSync(folder, { recursive: true }))

const OPTIONS: Omit<EngineOptions, 'file'> = {
  ...{ contextSize: 64, slots: 1, threads: 1, gpu: false, digest: 'none' },
  ...{ maxQueued: 1, firstTokenMs: 1000, interTokenMs: 100 },
}

test.each<[string, Buffer, string, RegExp]>([
  [
    'llama.cpp would end the process',
    ggufFile(changed(CHAT, [number('llama.block_count', 0)])),
    'WEIGHTS_CORRUPT',
    /a\.gguf, byte \d+, "llama\.block_count": expected a whole number from 1 to 512/,
  ],
  [
    'it is an adapter',
    ggufFile(changed(CHAT, [text('general.type', 'adapter')])),
    'WEIGHTS_NOT_SERVABLE',
    /"general\.type": expected "model", got "adapter"/,
  ],
])('an engine process refuses a file as %s, before it knows of any native code', async (...row) => {
  const [, content, code, says] = row
  writeFileSync(file, content)
  const engine = forkEngine()
  // Which addon to load is never said.
  engine.send({ kind: 'start', options: { ...OPTIONS, file } })
  const [message] = (await once(engine, 'message')) as [FromEngine]
  expect(message).toMatchObject({ kind: 'failed', code, message: expect.stringMatching(says) })
  expect(await once(engine, 'exit')).toEqual([1, null])
})
