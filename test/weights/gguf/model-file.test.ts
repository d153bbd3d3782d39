import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { inspectModel } from '../../../weights/gguf/inspect.ts'
import { readModelFile } from '../../../weights/gguf/model-file.ts'
import { factsOf } from '../../../weights/gguf/model-facts.ts'
import { ggufFile, number, text } from '../../helpers/small-gguf.ts'
import { BASE, CHAT, EMBEDDER, changed } from '../../helpers/small-models.ts'
import { refusalOf } from './refusals.ts'

const folder = mkdtempSync(join(tmpdir(), 'serantau-model-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

const path = join(folder, 'a.gguf')
function written(content: Buffer): string {
  writeFileSync(path, content)
  return path
}

describe('a file of weights', () => {
  const content = ggufFile(CHAT)

  test('is read and checked where it lies', () => {
    const gguf = readModelFile(written(content), content.length)
    expect(gguf).toMatchObject({ name: path, size: content.length, version: 3 })
    expect(gguf.tensors).toHaveLength(CHAT.tensors.length)
  })

  test('that is not there, or is no file, is unavailable: nothing waits for a pipe', () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    mkdirSync(join(folder, 'sub'))
    for (const [what, got] of [
      ['none', 'none'],
      ['pipe', 'something else'],
      ['sub', 'something else'],
    ] as const) {
      const { code, problems } = refusalOf(() => readModelFile(join(folder, what)))
      expect([code, problems[0]?.got]).toEqual(['WEIGHTS_UNAVAILABLE', got])
    }
  })

  test('of another size than it must have is corrupt', () => {
    const { code, message } = refusalOf(() => readModelFile(written(content), 5))
    expect(code).toBe('WEIGHTS_CORRUPT')
    expect(message).toContain(`expected a file of 5 bytes, got ${content.length} bytes`)
  })

  test('that is refused is named, with the place in it', () => {
    const half = written(content.subarray(0, 5000))
    const { code, problems } = refusalOf(() => readModelFile(half))
    expect(code).toBe('WEIGHTS_CORRUPT')
    expect(problems[0]?.path).toMatch(/a\.gguf, byte \d+, "tokenizer\.ggml\.\w+"$/)
  })
})

describe('what a file says of itself', () => {
  const factsOfParts = (parts: typeof CHAT) => factsOf(readModelFile(written(ggufFile(parts))))

  test('is read as the engine needs it', () => {
    const facts = factsOfParts(changed(CHAT, [number('llama.attention.sliding_window', 64)]))
    expect(facts).toMatchObject({
      ...{ architecture: 'llama', name: 'Small chat', licence: 'apache-2.0' },
      ...{ contextLength: 128, vocabularySize: 293, slidingWindow: 64, pooling: undefined },
      chatTemplate: expect.stringContaining('{% for message'),
    })
    const parameters = CHAT.tensors.reduce(
      (sum, { shape }) => sum + shape.reduce<number>((product, side) => product * Number(side), 1),
      0,
    )
    expect(facts.parameters).toBe(parameters)
    expect(facts.tensorTypes).toEqual([{ type: 'F32', tensors: 11, bytes: 4 * parameters }])
  })

  test('may be little', () => {
    expect(factsOfParts(BASE)).toMatchObject({ chatTemplate: undefined, slidingWindow: undefined })
    expect(factsOfParts(EMBEDDER)).toMatchObject({ pooling: 'mean', chatTemplate: undefined })
    const zero = changed(CHAT, [number('llama.attention.sliding_window', 0)])
    expect(factsOfParts(zero).slidingWindow).toBeUndefined()
  })
})

describe('an inspected file', () => {
  test('that can be served is told without a refusal, its template by its digest', () => {
    const found = inspectModel(written(ggufFile(CHAT)))
    expect(found).toMatchObject({
      file: path,
      bytes: ggufFile(CHAT).length,
      refusal: undefined,
      model: { version: 3, architecture: 'llama', chatTemplate: { bytes: 95 } },
    })
    expect(found.model?.chatTemplate?.sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  test('that is sound and no model is told with both', () => {
    const found = inspectModel(written(ggufFile(changed(CHAT, [text('general.type', 'adapter')]))))
    expect(found.model?.architecture).toBe('llama')
    expect(found.refusal).toMatchObject({ code: 'WEIGHTS_NOT_SERVABLE', exitCode: 1 })
    expect(found.refusal?.problems[0]?.path).toContain('"general.type"')
  })

  test('that cannot be read is told by its refusal alone', () => {
    const found = inspectModel(written(Buffer.from('GGUF and nothing else')))
    expect(found.model).toBeUndefined()
    expect(found.refusal).toMatchObject({ code: 'WEIGHTS_CORRUPT', exitCode: 1 })
  })

  test('repeats nothing that moves a cursor or turns text round', () => {
    const bad = '\x1b[2J\r\n\u202eevil\u0007\u2028'
    const parts = changed(CHAT, [
      text('general.name', bad.repeat(100)),
      text('general.license', bad),
      text('general.architecture', bad),
    ])
    const found = inspectModel(written(ggufFile(parts)))
    expect(JSON.stringify(found)).not.toMatch(/\\u|\\r|\\n|(?! )[\p{C}\p{Z}]/u)
    expect(found.model?.name?.length).toBeLessThanOrEqual(201)
    expect(found.model?.licence).toBe('?[2J???evil??')
  })
})
