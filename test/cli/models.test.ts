import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ggufFile, text } from '../helpers/small-gguf.ts'
import { CHAT, EMBEDDER, changed } from '../helpers/small-models.ts'
import type { Inspection } from '../../weights/gguf/inspect.ts'
import { TestProject } from '../helpers/project.ts'

describe('`models inspect`', () => {
  let project: TestProject
  beforeEach(async () => {
    project = await TestProject.create()
  })
  afterEach(() => project.remove())

  const file = async (content: Buffer): Promise<string> => {
    const path = join(project.folder, 'a.gguf')
    await writeFile(path, content)
    return path
  }

  test('tells a person what a file holds and that it can be served', async () => {
    const path = await file(ggufFile(CHAT))
    const { status, stdout } = await project.run(['models', 'inspect', path])
    expect(status).toBe(0)
    for (const line of [
      `file           ${path}`,
      /size {11}[\d,]+ bytes/,
      'format         GGUF version 3',
      'architecture   llama',
      'name           Small chat',
      'licence        apache-2.0',
      'parameters     18,688',
      /tensors {8}F32 in 11 \([\d,]+ bytes\)/,
      'context        128 tokens',
      'vocabulary     293 tokens',
      'pooling        none',
      /chat template {2}95 bytes, SHA-256 [0-9a-f]{64}/,
      'verdict        can be served',
    ]) {
      expect(stdout).toMatch(typeof line === 'string' ? new RegExp(`^${line}$`, 'm') : line)
    }
  })

  test('tells a program the same, of an embedding model too', async () => {
    const path = await file(ggufFile(EMBEDDER))
    const found = await project.json<Inspection>(['models', 'inspect', path])
    expect(found).toMatchObject({ file: path, model: { architecture: 'bert', pooling: 'mean' } })
    expect(found.refusal).toBeUndefined()
  })

  test.each([
    ['no model', 'WEIGHTS_NOT_SERVABLE', '"general.type": expected "model", got "adapter"'],
    ['half of one', 'WEIGHTS_CORRUPT', 'Fix: fetch the file again'],
  ])('of a file that holds %s ends with its exit code and says why', async (what, code, why) => {
    const content =
      what === 'no model'
        ? ggufFile(changed(CHAT, [text('general.type', 'adapter')]))
        : ggufFile(CHAT).subarray(0, 3000)
    const path = await file(content)
    const { status, stdout } = await project.run(['models', 'inspect', path])
    expect(status).toBe(1)
    expect(stdout).toContain(`verdict        ${code}, exit 1`)
    expect(stdout).toContain(why)
    const json = await project.run(['models', 'inspect', path, '-o', 'json'])
    expect(json.status).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({ refusal: { code, exitCode: 1 } })
  })

  test('of a file that is not there is an error', async () => {
    const result = await project.run(['models', 'inspect', join(project.folder, 'none.gguf')])
    expect(result).toMatchObject({ status: 1, stdout: '' })
    expect(result.stderr).toContain('Error WEIGHTS_UNAVAILABLE')
  })

  test('without a file is a wrong command line', async () => {
    expect((await project.run(['models', 'inspect'])).status).toBe(2)
  })
})
