import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRole } from './real-role.ts'
import type { RealRole } from './real-role.ts'
import { ggufFile } from './small-gguf.ts'
import { EMBEDDER } from './small-models.ts'

export interface ServedEmbedder {
  role: RealRole
  /** As a gateway's config lists it. */
  model: { id: string; digest: string; licence: string; url: string }
  stop: () => Promise<void>
}

/** The model role over a real model of a few thousand random weights, which makes vectors; it is starting. */
export async function startEmbedder(): Promise<ServedEmbedder> {
  const folder = mkdtempSync(join(tmpdir(), 'serantau-embedder-'))
  const content = ggufFile(EMBEDDER)
  const file = join(folder, 'embedder.gguf')
  writeFileSync(file, content)
  const digest = createHash('sha256').update(content).digest('hex')
  const model = { id: 'small-embedder', digest, licence: 'Apache-2.0' }
  const sizes = { contextSize: 128, slots: 1 }
  const role = await startRole({ role: 'model', model: { ...model, ...sizes, file, chat: false } })
  return {
    ...{ role, model: { ...model, url: role.url } },
    stop: async () => {
      await role.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
