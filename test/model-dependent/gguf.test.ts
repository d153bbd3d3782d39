import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BASE_MODELS } from '../../catalog/models/index.ts'
import { readModelFile } from '../../weights/gguf/model-file.ts'
import { factsOf } from '../../weights/gguf/model-facts.ts'
import { TENSOR_TYPES } from '../../weights/gguf/tensor-types.ts'
import { judge } from '../campaign/gguf/judge.ts'
import { loadSome } from '../campaign/gguf/load-some.ts'
import { Loader } from '../campaign/gguf/loader.ts'
import { ggufFile, number, texts } from '../helpers/small-gguf.ts'
import type { GgufParts } from '../helpers/small-gguf.ts'
import { CHAT, SMALL_MODELS, changed } from '../helpers/small-models.ts'
import { weightsOf } from '../helpers/real-role.ts'

test.each(Object.values(BASE_MODELS))(
  'the file of $id is a whole model, and its tensors add up to its size to the byte',
  async ({ id, chat, contextSize }) => {
    const gguf = readModelFile(await weightsOf(id))
    const last = gguf.tensors.at(-1)!
    const padded = Math.ceil((last.at + last.bytes) / 32) * 32
    expect(padded).toBe(gguf.size)
    const facts = factsOf(gguf)
    expect(facts.contextLength).toBe(contextSize)
    expect(facts.chatTemplate !== undefined).toBe(chat)
  },
)

describe('native code', () => {
  const loader = new Loader()
  let folder: string
  beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'serantau-native-'))))
  afterAll(async () => {
    loader.close()
    await rm(folder, { recursive: true })
  })

  async function outcomeOf(parts: GgufParts) {
    const path = join(folder, 'a.gguf')
    await rm(path, { force: true })
    await writeFile(path, ggufFile(parts))
    return { outcome: await loader.load(path), verdict: judge(ggufFile(parts)).verdict }
  }

  test.each(Object.entries(SMALL_MODELS))('loads the small model %s', async (_, parts) => {
    const { outcome, verdict } = await outcomeOf(parts)
    expect([outcome.kind, verdict]).toEqual(['decoded', 'accepted'])
  })

  const types = Object.entries(TENSOR_TYPES).filter(([, { weights }]) => weights)
  test.each(types)(
    'finds each tensor where our table says that one of type %i ends, and decodes with it',
    async (type) => {
      const { outcome } = await outcomeOf(wide(Number(type)))
      expect(outcome.kind).toBe('decoded')
    },
  )

  test.each<[string, GgufParts]>([
    ['a token twice', changed(CHAT, [texts('tokenizer.ggml.tokens', twice())])],
    ['no layer', changed(CHAT, [number('llama.block_count', 0)])],
    ['experts that are used, of none', changed(CHAT, [number('llama.expert_used_count', 1)])],
  ])('dies of %s, and this process lives and refuses the file', async (_, parts) => {
    const { outcome, verdict } = await outcomeOf(parts)
    expect([outcome.kind, verdict]).toEqual(['died', 'corrupt'])
    expect(outcome).toMatchObject({ cause: expect.stringContaining('GGML_ASSERT') })
    expect((await outcomeOf(CHAT)).outcome.kind).toBe('decoded')
  })
})

test('none of forty damaged files that were accepted ends the process that loads it', async () => {
  const { accepted, deaths } = await loadSome(54, () => undefined)
  expect(deaths).toEqual([])
  expect(Object.values(accepted).reduce((sum, count) => sum + count)).toBe(40)
})

/** As many tokens as before, one of them another's. */
function twice(): string[] {
  const count = Number(CHAT.tensors.find(({ name }) => name === 'token_embd.weight')!.shape[1])
  return Array.from({ length: count }, (_, at) => `t${at === 0 ? 1 : at}`)
}

/** A model of wider rows, as many types need them, whose embeddings are of `type`. */
function wide(type: number): GgufParts {
  const { block, bytes } = TENSOR_TYPES[type]!
  const sides: Record<number, number> = { 32: 256, 16: 128 }
  const tensors = CHAT.tensors.map((tensor) => {
    const shape = tensor.shape.map((side) => sides[Number(side)] ?? Number(side))
    if (tensor.name !== 'token_embd.weight') return { ...tensor, shape }
    const values = shape.reduce((product, side) => product * side)
    return { ...tensor, shape, type, bytes: (values / block) * bytes }
  })
  const widths = [number('llama.embedding_length', 256), number('llama.rope.dimension_count', 64)]
  return { ...changed(CHAT, widths), tensors }
}
