import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BASE_MODELS } from '../../catalog/models/index.ts'
import { readModelFile } from '../../weights/gguf/model-file.ts'
import { withFile } from '../../weights/gguf/byte-source.ts'
import { shapeOf } from '../../weights/gguf/model-shape.ts'
import { factsOf } from '../../weights/gguf/model-facts.ts'
import { TENSOR_TYPES } from '../../weights/gguf/tensor-types.ts'
import { judge } from '../campaign/gguf/judge.ts'
import { loadSome } from '../campaign/gguf/load-some.ts'
import { Loader } from '../campaign/gguf/loader.ts'
import { fraction, ggufFile, number, text, texts } from '../helpers/small-gguf.ts'
import type { GgufParts } from '../helpers/small-gguf.ts'
import { CHAT, EMBEDDER, SMALL_MODELS, changed } from '../helpers/small-models.ts'
import { weightsOf } from '../helpers/real-role.ts'

const SERVED = Object.values(BASE_MODELS).filter(({ verified }) => verified === 'served here')

test.each(SERVED)(
  'the file of $id is a whole model, of the shape that its row tells, and its tensors add up to its size to the byte',
  async ({ id, chat, contextSize, shape }) => {
    const path = await weightsOf(id)
    const gguf = readModelFile(path)
    expect(withFile(path, (source) => shapeOf(gguf, source))).toEqual(shape)
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

  const ASSERTED = /GGML_ASSERT/
  const THREW = /terminate called after throwing an instance of 'std::out_of_range'/
  test.each<[string, GgufParts, 'corrupt' | 'not servable', RegExp]>([
    [
      'a token twice',
      withTokens((token) => (token === 0 ? 't1' : `t${token}`)),
      'corrupt',
      ASSERTED,
    ],
    [
      'a token that is called as an empty one is',
      withTokens((token) => (token === 1 ? '' : token === 0 ? '[EMPTY_1]' : `t${token}`)),
      ...(['corrupt', ASSERTED] as const),
    ],
    ['no layer', changed(CHAT, [number('llama.block_count', 0)]), 'corrupt', ASSERTED],
    [
      'experts that are used, of none',
      changed(CHAT, [number('llama.expert_used_count', 1)]),
      ...(['corrupt', ASSERTED] as const),
    ],
    [
      'an epsilon below zero',
      changed(CHAT, [fraction('llama.attention.layer_norm_rms_epsilon', -1)]),
      ...(['corrupt', ASSERTED] as const),
    ],
    [
      'a scaling that is none',
      changed(CHAT, [text('llama.rope.scaling.type', 'ntk')]),
      ...(['corrupt', ASSERTED] as const),
    ],
    [
      'values that begin anywhere',
      { ...changed(CHAT, [number('general.alignment', 8), text('general.x', 'x')]), alignment: 8 },
      ...(['corrupt', ASSERTED] as const),
    ],
    [
      'a norm of whole numbers',
      {
        ...CHAT,
        tensors: CHAT.tensors.map((tensor) =>
          tensor.name === 'output_norm.weight' ? { ...tensor, type: 26 } : tensor,
        ),
      },
      ...(['corrupt', /unsupported types/] as const),
    ],
    [
      'a matrix of whole numbers',
      {
        ...CHAT,
        tensors: CHAT.tensors.map((tensor) =>
          tensor.name === 'blk.0.attn_q.weight' ? { ...tensor, type: 26 } : tensor,
        ),
      },
      ...(['corrupt', /SIGSEGV/] as const),
    ],
    [
      'a byte that a client writes and that is no token',
      withTokens((token, old) => (old === '<0xE0>' ? 'other' : old)),
      ...(['corrupt', THREW] as const),
    ],
    [
      'a word that a client writes and that has no token',
      changed(EMBEDDER, [], ['tokenizer.ggml.unknown_token_id']),
      ...(['not servable', THREW] as const),
    ],
  ])('dies of %s; this process lives, and refuses the file', async (_, parts, refused, cause) => {
    const { outcome, verdict } = await outcomeOf(parts)
    expect(outcome).toMatchObject({ kind: 'died', cause: expect.stringMatching(cause) })
    expect(verdict).toBe(refused)
    expect((await outcomeOf(CHAT)).outcome.kind).toBe('decoded')
  })
})

test('none of forty damaged files that were accepted ends the process that loads it', async () => {
  const { accepted, deaths } = await loadSome(54, () => undefined)
  expect(deaths).toEqual([])
  expect(Object.values(accepted).reduce((sum, count) => sum + count)).toBe(40)
})

/** The chat model with other texts of its tokens. */
function withTokens(textOf: (token: number, old: string) => string): GgufParts {
  const { value } = CHAT.pairs.find(({ key }) => key === 'tokenizer.ggml.tokens')!
  const found: string[] = []
  for (let at = 12; at < value.length;) {
    const length = Number(value.readBigUInt64LE(at))
    found.push(value.toString('utf8', at + 8, at + 8 + length))
    at += 8 + length
  }
  return changed(CHAT, [
    texts(
      'tokenizer.ggml.tokens',
      found.map((old, token) => textOf(token, old)),
    ),
  ])
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
