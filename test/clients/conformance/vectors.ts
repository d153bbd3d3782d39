/**
 * Prints what an embedding model of a few thousand weights answers, on the real engine behind a gateway, as
 * JSON: a list. Each argument is a request for vectors, without the model. A program of its own, because
 * beside the tests it is watched that they ask the one service alone.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRole, untilReady } from '../../helpers/real-role.ts'
import type { RealRole } from '../../helpers/real-role.ts'
import { headers } from '../../helpers/roles.ts'
import { ggufFile } from '../../helpers/small-gguf.ts'
import { EMBEDDER } from '../../helpers/small-models.ts'

const MODEL = 'small-embedder'
const asked = process.argv.slice(2).map((body) => JSON.parse(body) as object)
const folder = mkdtempSync(join(tmpdir(), 'serantau-vectors-'))
const roles: RealRole[] = []
try {
  const file = join(folder, 'embedder.gguf')
  const content = ggufFile(EMBEDDER)
  writeFileSync(file, content)
  const digest = createHash('sha256').update(content).digest('hex')
  const served = { id: MODEL, digest, licence: 'Apache-2.0' }
  const sizes = { file, contextSize: 128, slots: 1, chat: false }
  const model = await startRole({ role: 'model', model: { ...served, ...sizes } })
  roles.push(model)
  const gateway = await startRole({ role: 'gateway', models: [{ ...served, url: model.url }] })
  roles.push(gateway)
  await Promise.all(roles.map(untilReady))
  const answers: unknown[] = []
  for (const more of asked) {
    const body = JSON.stringify({ model: MODEL, ...more })
    const init = { method: 'POST', headers: headers(), body }
    answers.push(await (await fetch(`${gateway.url}/v1/embeddings`, init)).json())
  }
  console.log(JSON.stringify(answers))
} finally {
  await Promise.all(roles.map((role) => role.stop()))
  rmSync(folder, { recursive: true, force: true })
}
