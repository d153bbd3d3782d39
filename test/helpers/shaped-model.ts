/**
 * Files of models of any size without their weights: header and tensors as converters write them for the
 * architecture, and a length. llama.cpp plans the memory of such a file, and of no byte of its weights.
 */
import { truncateSync, writeFileSync } from 'node:fs'
import type { ModelShape } from '../../catalog/model-shape.ts'
import { fraction, ggufOf, number, text } from './small-gguf.ts'
import type { GgufParts, Pair, Tensor } from './small-gguf.ts'

/** ggml's numbers, and bytes of a block of 256 values: of matrices and of the output. */
const Q4_K = { type: 12, bytes: 144 }
const Q6_K = { type: 14, bytes: 210 }
const BLOCK = 256
const MLA = { queryRank: 1536, keyLength: 192, valueLength: 128, rotated: 64 }
const CONTEXT = 131_072

const vector = (name: string, values: number): Tensor => ({ name, shape: [values], type: 0 })
const quantized = (name: string, shape: number[], of = Q4_K): Tensor => ({
  ...{ name, shape, type: of.type },
  bytes: (shape.reduce((product, values) => product * values) / BLOCK) * of.bytes,
})

interface Family {
  /** Beside what every layer has. */
  attention: (shape: ModelShape, prefix: string) => Tensor[]
  pairs?: (shape: ModelShape) => Pair[]
}

const widths = (shape: ModelShape) => {
  const [cache] = shape.caches
  if (cache === undefined) throw new TypeError('a shape without a cache')
  return { query: shape.heads * shape.keyLength, key: cache.keyWidth, value: cache.valueWidth }
}

function grouped(shape: ModelShape, prefix: string): Tensor[] {
  const { query, key, value } = widths(shape)
  return [
    quantized(`${prefix}.attn_q.weight`, [shape.embedding, query]),
    quantized(`${prefix}.attn_k.weight`, [shape.embedding, key]),
    quantized(`${prefix}.attn_v.weight`, [shape.embedding, value]),
    quantized(`${prefix}.attn_output.weight`, [query, shape.embedding]),
  ]
}

const normed = (shape: ModelShape, prefix: string): Tensor[] => [
  ...grouped(shape, prefix),
  vector(`${prefix}.attn_q_norm.weight`, shape.keyLength),
  vector(`${prefix}.attn_k_norm.weight`, shape.keyLength),
]

function latent(shape: ModelShape, prefix: string): Tensor[] {
  const { heads, embedding, valueLength: rank } = shape
  const { queryRank, keyLength, valueLength, rotated } = MLA
  return [
    vector(`${prefix}.attn_q_a_norm.weight`, queryRank),
    vector(`${prefix}.attn_kv_a_norm.weight`, rank),
    quantized(`${prefix}.attn_q_a.weight`, [embedding, queryRank]),
    quantized(`${prefix}.attn_q_b.weight`, [queryRank, heads * keyLength]),
    quantized(`${prefix}.attn_kv_a_mqa.weight`, [embedding, rank + rotated]),
    // Rows of 128 values, which blocks of 256 don't divide: F16, as converters leave it.
    {
      ...{ name: `${prefix}.attn_k_b.weight`, shape: [keyLength - rotated, rank, heads], type: 1 },
      bytes: (keyLength - rotated) * rank * heads * 2,
    },
    quantized(`${prefix}.attn_v_b.weight`, [rank, valueLength, heads]),
    quantized(`${prefix}.attn_output.weight`, [heads * valueLength, embedding]),
  ]
}

const FAMILIES: Readonly<Record<string, Family>> = {
  llama: { attention: grouped },
  qwen2: {
    attention: (shape, prefix) => {
      const { query, key, value } = widths(shape)
      return [
        ...grouped(shape, prefix),
        vector(`${prefix}.attn_q.bias`, query),
        vector(`${prefix}.attn_k.bias`, key),
        vector(`${prefix}.attn_v.bias`, value),
      ]
    },
  },
  qwen3: { attention: normed },
  qwen3moe: { attention: normed },
  'minimax-m2': {
    attention: (shape, prefix) => [
      ...grouped(shape, prefix),
      vector(`${prefix}.attn_q_norm.weight`, widths(shape).query),
      vector(`${prefix}.attn_k_norm.weight`, widths(shape).key),
    ],
    pairs: () => [number('minimax-m2.rope.dimension_count', 64)],
  },
  gemma3: {
    attention: (shape, prefix) => [
      ...normed(shape, prefix),
      vector(`${prefix}.post_attention_norm.weight`, shape.embedding),
      vector(`${prefix}.post_ffw_norm.weight`, shape.embedding),
    ],
    pairs: () => [number('gemma3.attention.sliding_window', 1024)],
  },
  deepseek2: {
    attention: latent,
    pairs: ({ valueLength }) => [
      number('deepseek2.attention.q_lora_rank', MLA.queryRank),
      number('deepseek2.attention.kv_lora_rank', valueLength),
      number('deepseek2.attention.key_length_mla', MLA.keyLength),
      number('deepseek2.attention.value_length_mla', MLA.valueLength),
      number('deepseek2.rope.dimension_count', MLA.rotated),
    ],
  },
}

export const SHAPED_ARCHITECTURES = Object.keys(FAMILIES)

/** Header and tensors of a model of that shape. */
export function shapedModel(shape: ModelShape): GgufParts {
  const family = FAMILIES[shape.architecture]
  if (family === undefined) throw new TypeError(`no family ${shape.architecture}`)
  const layers = Array.from({ length: shape.layers }, (_, layer) => layer)
  return {
    pairs: [...pairsOf(shape), ...(family.pairs?.(shape) ?? [])],
    tensors: [
      quantized('token_embd.weight', [shape.embedding, shape.vocabulary], Q6_K),
      ...layers.flatMap((layer) => [
        vector(`blk.${layer}.attn_norm.weight`, shape.embedding),
        ...family.attention(shape, `blk.${layer}`),
        vector(`blk.${layer}.ffn_norm.weight`, shape.embedding),
        ...feedForward(shape, layer),
      ]),
      vector('output_norm.weight', shape.embedding),
      quantized('output.weight', [shape.embedding, shape.vocabulary], Q6_K),
    ],
  }
}

function pairsOf(shape: ModelShape): Pair[] {
  const of = (name: string, value: number) => number(`${shape.architecture}.${name}`, value)
  const { experts, caches } = shape
  const isLatent = caches[0]?.valueWidth === 0
  return [
    text('general.architecture', shape.architecture),
    text('general.type', 'model'),
    text('tokenizer.ggml.model', 'none'),
    of('vocab_size', shape.vocabulary),
    of('context_length', CONTEXT),
    of('embedding_length', shape.embedding),
    of('block_count', shape.layers),
    of('feed_forward_length', shape.feedForward || (experts?.feedForward ?? 0)),
    of('attention.head_count', shape.heads),
    of('attention.head_count_kv', isLatent ? 1 : widths(shape).key / shape.keyLength),
    of('attention.key_length', shape.keyLength),
    of('attention.value_length', shape.valueLength),
    fraction(`${shape.architecture}.attention.layer_norm_rms_epsilon`, 1e-6),
    ...(experts === undefined
      ? []
      : [
          of('expert_count', experts.count),
          of('expert_used_count', experts.used),
          of('expert_feed_forward_length', experts.feedForward),
          of('expert_shared_count', experts.shared / experts.feedForward),
          of('leading_dense_block_count', shape.layers - experts.layers),
          of('expert_gating_func', 2),
        ]),
  ]
}

function feedForward(shape: ModelShape, layer: number): Tensor[] {
  const { embedding, experts } = shape
  const prefix = `blk.${layer}.ffn`
  const three = (end: string, width: number, ...rest: number[]) => [
    quantized(`${prefix}_gate${end}.weight`, [embedding, width, ...rest]),
    quantized(`${prefix}_up${end}.weight`, [embedding, width, ...rest]),
    quantized(`${prefix}_down${end}.weight`, [width, embedding, ...rest]),
  ]
  if (experts === undefined || layer < shape.layers - experts.layers) {
    return three('', shape.feedForward)
  }
  const { count } = experts
  return [
    {
      ...{ name: `${prefix}_gate_inp.weight`, shape: [embedding, count], type: 0 },
      bytes: embedding * count * 4,
    },
    ...three('_exps', experts.feedForward, count),
    ...(experts.shared > 0 ? three('_shexp', experts.shared) : []),
    ...(['deepseek2', 'minimax-m2'].includes(shape.architecture)
      ? [vector(`blk.${layer}.exp_probs_b.bias`, count)]
      : []),
  ]
}

/** Writes the file, whose weights are a hole that takes no room on the disk. Returns its bytes. */
export function writeShapedModel(path: string, shape: ModelShape): number {
  const { header, size } = ggufOf(shapedModel(shape))
  writeFileSync(path, header)
  truncateSync(path, size)
  return size
}
