import { describe, expect, it } from 'vitest'
import type { ModelShape } from '../../../catalog/model-shape.ts'
import { inMemory } from '../../../weights/gguf/byte-source.ts'
import { shapeOf } from '../../../weights/gguf/model-shape.ts'
import { readGguf } from '../../../weights/gguf/read-gguf.ts'
import { TYPES, array, flag, ggufFile, i32, number, text } from '../../helpers/small-gguf.ts'
import type { Pair } from '../../helpers/small-gguf.ts'

/** A header of four layers of eight heads of 16 values, with other numbers where `pairs` says so. */
function shape(architecture: string, ...pairs: Pair[]): ModelShape {
  const of = (name: string, value: number) => number(`${architecture}.${name}`, value)
  const usual = [
    text('general.architecture', architecture),
    of('block_count', 4),
    of('embedding_length', 128),
    of('feed_forward_length', 256),
    of('attention.head_count', 8),
    of('attention.head_count_kv', 2),
    of('vocab_size', 1000),
  ]
  const changed = new Map([...usual, ...pairs].map((pair) => [pair.key, pair]))
  const file = ggufFile({ pairs: [...changed.values()], tensors: [] })
  const source = inMemory(file)
  return shapeOf(readGguf(source, 'a.gguf'), source)
}

const perLayer = (key: string, ...values: number[]) => array(key, TYPES.i32, values.map(i32))

describe('the shape of a model in its header', () => {
  it('has the keys and values of shared heads', () => {
    expect(shape('llama')).toEqual({
      ...{ architecture: 'llama', layers: 4, embedding: 128, vocabulary: 1000 },
      ...{ feedForward: 256, heads: 8, keyLength: 16, valueLength: 16 },
      caches: [{ layers: 4, keyWidth: 32, valueWidth: 32 }],
    })
  })

  it('tells layers apart whose heads differ', () => {
    const { caches } = shape('llama', perLayer('llama.attention.head_count_kv', 2, 2, 4, 2))
    expect(caches).toEqual([
      { layers: 3, keyWidth: 32, valueWidth: 32 },
      { layers: 1, keyWidth: 64, valueWidth: 64 },
    ])
  })

  it('leaves out layers that only guess tokens ahead', () => {
    const { layers, caches } = shape('llama', number('llama.nextn_predict_layers', 1))
    expect([layers, caches[0]?.layers]).toEqual([3, 3])
  })

  it('knows which layers of a family look back over a window, or reads it', () => {
    const window = number('gemma2.attention.sliding_window', 64)
    const layersOf = ({ caches }: ModelShape) => caches.map((cache) => [cache.layers, cache.window])
    expect(layersOf(shape('gemma2', window))).toEqual([
      [2, 64],
      [2, undefined],
    ])
    const every = number('gemma2.attention.sliding_window_pattern', 4)
    expect(layersOf(shape('gemma2', window, every))).toEqual([
      [3, 64],
      [1, undefined],
    ])
    const flags = array(
      'gemma2.attention.sliding_window_pattern',
      TYPES.bool,
      [true, false, false, false].map((value) => flag('', value).value),
    )
    expect(layersOf(shape('gemma2', window, flags))).toEqual([
      [1, 64],
      [3, undefined],
    ])
  })

  it('has heads of another length where layers have a window', () => {
    const { caches } = shape(
      'gemma2',
      number('gemma2.attention.sliding_window', 64),
      number('gemma2.attention.key_length', 32),
      number('gemma2.attention.key_length_swa', 8),
    )
    expect(caches.map(({ keyWidth }) => keyWidth)).toEqual([16, 64])
  })

  it('keeps a latent vector of a token, and no values, where attention is latent', () => {
    const { caches, keyLength } = shape(
      'deepseek2',
      number('deepseek2.attention.head_count_kv', 1),
      number('deepseek2.attention.key_length', 576),
      number('deepseek2.attention.value_length', 512),
      number('deepseek2.attention.key_length_mla', 192),
      number('deepseek2.attention.value_length_mla', 128),
    )
    expect(caches).toEqual([{ layers: 4, keyWidth: 576, valueWidth: 0 }])
    expect(keyLength).toBe(576)
  })

  it('keeps an index beside it where a family has one', () => {
    const { caches } = shape('deepseek32', number('deepseek32.attention.indexer.key_length', 128))
    expect(caches.at(-1)).toEqual({ layers: 4, keyWidth: 128, valueWidth: 0 })
  })

  it('counts the experts of its layers', () => {
    const { experts, feedForward } = shape(
      'deepseek2',
      number('deepseek2.expert_count', 16),
      number('deepseek2.expert_used_count', 4),
      number('deepseek2.expert_feed_forward_length', 64),
      number('deepseek2.expert_shared_count', 2),
      number('deepseek2.leading_dense_block_count', 1),
    )
    expect(experts).toEqual({ count: 16, used: 4, feedForward: 64, shared: 128, layers: 3 })
    expect(feedForward).toBe(256)
  })

  it('has states and no cache where no layer has attention', () => {
    const { caches, states } = shape(
      'mamba',
      number('mamba.ssm.conv_kernel', 4),
      number('mamba.ssm.inner_size', 256),
      number('mamba.ssm.state_size', 16),
    )
    expect(caches).toEqual([])
    expect(states).toEqual({ layers: 4, convolution: 3 * 256, state: 16 * 256 })
  })

  it('has both where some layers have attention', () => {
    const hybrid = shape(
      'qwen3next',
      number('qwen3next.full_attention_interval', 2),
      number('qwen3next.ssm.conv_kernel', 4),
      number('qwen3next.ssm.inner_size', 256),
      number('qwen3next.ssm.state_size', 16),
      number('qwen3next.ssm.group_count', 2),
    )
    expect(hybrid.caches).toEqual([{ layers: 2, keyWidth: 32, valueWidth: 32 }])
    expect(hybrid.states).toEqual({ layers: 2, convolution: 3 * (256 + 64), state: 4096 })
    const heads = perLayer('jamba.attention.head_count_kv', 0, 2, 0, 0)
    expect(shape('jamba', heads, number('jamba.ssm.inner_size', 8)).caches[0]?.layers).toBe(1)
  })

  it.each(['deepseek4', 'minimax-m3'])(
    'of %s is refused by name: its cache is not known',
    (name) => {
      expect(() => shape(name)).toThrow(new RegExp(`general.architecture.*${name}`))
    },
  )

  it.each([
    ['no layers', number('llama.block_count', 0)],
    ['a list of other length', perLayer('llama.feed_forward_length', 1, 2)],
    ['no tokens', number('llama.vocab_size', 0)],
  ])('with %s is refused with its place', (_, pair) => {
    expect(() => shape('llama', pair)).toThrow(pair.key)
  })
})
