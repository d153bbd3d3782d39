import { describe, expect, test } from 'vitest'
import {
  TYPES,
  array,
  f32,
  flag,
  fraction,
  i32,
  number,
  text,
  u32,
} from '../../helpers/small-gguf.ts'
import type { Pair } from '../../helpers/small-gguf.ts'
import { BASE, CHAT, EMBEDDER, EXPERT, SMALL_MODELS, changed } from '../../helpers/small-models.ts'
import { check, refusal } from './refusals.ts'

test.each(Object.entries(SMALL_MODELS))('a whole model passes: %s', (_name, parts) => {
  expect(() => check(parts)).not.toThrow()
})

describe('a sound file that is no whole model is not servable:', () => {
  test.each<[string, Pair[], string]>([
    [
      'an adapter',
      [text('general.type', 'adapter')],
      '"general.type": expected "model", got "adapter"',
    ],
    ['an adapter that does not say so first', [text('adapter.type', 'lora')], '"adapter.type"'],
    ['an importance matrix', [text('general.type', 'imatrix')], 'got "imatrix"'],
    ['a projector', [text('general.type', 'mmproj')], 'got "mmproj"'],
    ['an old projector', [text('general.architecture', 'clip')], 'got "clip"'],
    ['a model that guesses for another', [text('general.architecture', 'eagle3')], 'got "eagle3"'],
    [
      'one part of several',
      [{ key: 'split.count', type: TYPES.u16, value: Buffer.of(3, 0) }],
      'a model in one file, got 3 (u16). Fix: join the parts',
    ],
  ])('%s', (_what, pairs, says) => {
    const why = refusal(changed(CHAT, pairs))
    expect(why).toContain('WEIGHTS_NOT_SERVABLE: a.gguf, ')
    expect(why).toContain(says)
  })

  test('one without tensors', () => {
    const why = refusal({ ...CHAT, tensors: [] })
    expect(why).toContain('WEIGHTS_NOT_SERVABLE: a.gguf, tensors: expected at least one, got none')
  })

  test('a file that says that it is one part of one passes', () => {
    const pair = { key: 'split.count', type: TYPES.u16, value: Buffer.of(1, 0) }
    expect(() => check(changed(CHAT, [pair]))).not.toThrow()
  })
})

describe('an architecture', () => {
  test.each([['none'], ['']])('must be named', (name) => {
    const parts = name === '' ? changed(CHAT, [text('general.architecture', '')]) : undefined
    const why = refusal(parts ?? changed(CHAT, [], ['general.architecture']))
    expect(why).toMatch(/WEIGHTS_CORRUPT: a\.gguf, .*"general\.architecture": expected the name/)
  })

  test('must be a name', () => {
    const why = refusal(changed(CHAT, [text('general.architecture', 'llama\n\x1b[2J')]))
    expect(why).toContain('got "llama??[2J"')
  })

  test('must be text', () => {
    expect(refusal(changed(CHAT, [number('general.architecture', 1)]))).toContain('got 1 (u32)')
  })
})

const float64 = (value: number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

describe('a number of the model is refused with its place:', () => {
  test.each<[string, Pair[], string]>([
    ['no layer', [number('llama.block_count', 0)], 'a whole number from 1 to 512, got 0 (u32)'],
    ['too many layers', [number('llama.block_count', 513)], 'got 513 (u32)'],
    [
      'layers of another type',
      [{ key: 'llama.block_count', type: TYPES.i32, value: i32(1) }],
      'a number (u32), got 1 (i32)',
    ],
    ['no width', [number('llama.embedding_length', 0)], 'from 1 to 1048576'],
    ['a width beyond measure', [number('llama.embedding_length', 2 ** 31)], 'from 1 to 1048576'],
    ['no context', [number('llama.context_length', 0)], 'from 1 to 2147483647'],
    ['a context beyond measure', [number('llama.context_length', 2 ** 31)], 'got 2147483648'],
    ['layers that guess, and no other', [number('llama.nextn_predict_layers', 1)], 'at most 0'],
    ['a pooling that is none', [number('llama.pooling_type', 5)], 'at most 4, got 5'],
    ['a gate that is none', [number('llama.expert_gating_func', 5)], 'at most 4, got 5'],
    ['no group to divide by', [number('llama.ssm.group_count', 0)], 'at least 1, got 0'],
    ['no head size to divide by', [number('llama.wkv.head_size', 0)], 'at least 1, got 0'],
    [
      'a scaling that is none',
      [text('llama.rope.scaling.type', 'ntk')],
      'one of none, linear, yarn, longrope, got "ntk"',
    ],
    [
      'an epsilon below zero',
      [fraction('llama.attention.layer_norm_rms_epsilon', -1)],
      'at least 0, got -1 (f32)',
    ],
    [
      'an epsilon that is no number',
      [fraction('llama.attention.layer_norm_rms_epsilon', NaN)],
      'a finite number, got NaN (f32)',
    ],
    ['a base that is endless', [fraction('llama.rope.freq_base', Infinity)], 'got Infinity (f32)'],
    [
      'a long fraction that is endless',
      [{ key: 'llama.x', type: TYPES.f64, value: float64(-Infinity) }],
      'got -Infinity (f64)',
    ],
    ['no heads', [number('llama.attention.head_count', 0)], 'at least 1, as there is attention'],
    ['heads that cannot be shared', [number('llama.attention.head_count_kv', 3)], 'of 4 heads'],
    [
      'heads that cannot be shared in a layer',
      [array('llama.attention.head_count_kv', TYPES.i32, [i32(8)])],
      'a divisor of 4 heads, got 8 in layer 0',
    ],
    [
      'heads for more layers than there are',
      [array('llama.attention.head_count', TYPES.i32, [i32(4), i32(4)])],
      'one for each of 1 layers, got an array of 2 i32',
    ],
    [
      'heads that are fractions',
      [array('llama.attention.head_count', TYPES.f32, [f32(4)])],
      'an array of u32 or i32, got an array of 1 f32',
    ],
    [
      'a part of a head turned, where it must be the whole',
      [number('llama.rope.dimension_count', 4)],
      '8, the whole head, got 4',
    ],
    ['more turned in a window', [number('llama.rope.dimension_count_swa', 10)], 'at most 8'],
    ['experts that are used, of none', [number('llama.expert_used_count', 1)], 'no experts, got 1'],
    ['groups of no experts', [number('llama.expert_group_count', 1)], 'of 0 experts'],
  ])('%s', (_what, pairs, says) => {
    const why = refusal(changed(CHAT, pairs))
    const { key } = pairs.at(-1)!
    expect(why).toMatch(/^WEIGHTS_CORRUPT: a\.gguf, byte \d+, "/)
    expect(why).toContain(`"${key}": expected `)
    expect(why).toContain(says)
  })

  test.each<[string, Pair[], string]>([
    ['too many experts', [number('llama.expert_count', 1025)], 'at most 1024'],
    ['more experts used than there are', [number('llama.expert_used_count', 5)], '1 to 4, got 5'],
    ['none used', [number('llama.expert_used_count', 0)], '1 to 4, got 0'],
    [
      'more used in one layer',
      [array('llama.expert_used_count', TYPES.u32, [u32(9)])],
      '1 to 4, got an array of 1 u32',
    ],
    ['as many groups as experts', [number('llama.expert_group_count', 4)], 'below it, got 4'],
    ['odd groups', [number('llama.expert_group_count', 3)], 'a divisor of 4 experts'],
    ['no group used', [number('llama.expert_group_count', 2)], '1 to 1, got none'],
    [
      'all groups used',
      [number('llama.expert_group_count', 2), number('llama.expert_group_used_count', 2)],
      '1 to 1, got 2',
    ],
  ])('of a mixture: %s', (_what, pairs, says) => {
    expect(refusal(changed(EXPERT, pairs))).toContain(says)
  })

  test('and none is, where a model may have it', () => {
    const fine: [typeof CHAT, Pair[]][] = [
      [CHAT, [text('llama.rope.scaling.type', 'yarn'), fraction('llama.rope.scaling.factor', 4)]],
      [CHAT, [number('llama.attention.key_length', 8), number('llama.pooling_type', 3)]],
      [CHAT, [fraction('general.x', Infinity)]],
      [EXPERT, [number('llama.expert_group_count', 2), number('llama.expert_group_used_count', 1)]],
      [EXPERT, [array('llama.expert_used_count', TYPES.u32, [u32(4)])]],
      [EMBEDDER, [number('bert.pooling_type', 4)]],
    ]
    for (const [parts, pairs] of fine) expect(() => check(changed(parts, pairs))).not.toThrow()
  })

  const gemma = (...pairs: Pair[]) => {
    const renamed = CHAT.pairs.map((pair) => ({
      ...pair,
      key: pair.key.replace(/^llama\./, 'gemma3.'),
    }))
    return changed({ ...CHAT, pairs: renamed }, [text('general.architecture', 'gemma3'), ...pairs])
  }

  test('a part of a head may be turned where llama.cpp does so: pairs of what is there', () => {
    const rotated = (value: number) => number('gemma3.rope.dimension_count', value)
    expect(() => check(gemma(rotated(4)))).not.toThrow()
    expect(refusal(gemma(rotated(10)))).toContain('an even number, at most 8, got 10')
    expect(refusal(gemma(rotated(7)))).toContain('an even number, at most 8, got 7')
    const narrow = gemma(number('gemma3.attention.key_length', 4))
    expect(refusal(narrow)).toContain('an even number, at most 4, got 8')
  })

  test('heads may be none where nothing attends', () => {
    const recurrent = {
      ...changed(CHAT, [number('llama.attention.head_count', 0)]),
      tensors: CHAT.tensors.filter(({ name }) => !name.includes('attn_')),
    }
    expect(() => check(recurrent)).not.toThrow()
  })

  test('one expert is none where llama.cpp takes it so', () => {
    const dense = changed(
      {
        ...CHAT,
        pairs: CHAT.pairs.map((pair) => ({
          ...pair,
          key: pair.key.replace(/^llama\./, 'hunyuan-dense.'),
        })),
      },
      [text('general.architecture', 'hunyuan-dense'), number('hunyuan-dense.expert_count', 1)],
    )
    expect(() => check(dense)).not.toThrow()
  })
})

describe('a tensor of a type that nothing computes with is refused:', () => {
  const frequencies = { name: 'rope_freqs.weight', shape: [4], type: 0 }
  const withType = (name: string, type: number, bytes?: number) => ({
    ...CHAT,
    tensors: [...CHAT.tensors, frequencies].map((tensor) =>
      tensor.name === name
        ? { ...tensor, type, ...(bytes === undefined ? {} : { bytes }) }
        : tensor,
    ),
  })

  test.each<[string, number, number | undefined, string]>([
    ['token_embd.weight', 26, undefined, 'a type that weights can have, got I32'],
    ['blk.0.attn_q.weight', 24, 1024, 'got I8'],
    ['blk.0.attn_q.weight', 9, 1152, 'got Q8_1'],
    ['blk.0.attn_q.weight', 28, 8192, 'got F64'],
    ['rope_freqs.weight', 1, 8, 'values of type F32, got F16'],
    ['blk.0.attn_norm.weight', 26, undefined, 'values of type F32, got I32'],
    ['blk.0.attn_norm.weight', 1, 64, 'values of type F32, got F16'],
    ['output_norm.weight', 8, 34, 'values of type F32, got Q8_0'],
  ])('%s of type %i', (name, type, bytes, says) => {
    const why = refusal(withType(name, type, bytes))
    expect(why).toMatch(/^WEIGHTS_CORRUPT: a\.gguf, byte \d+, tensor "/)
    expect(why).toContain(says)
  })

  test('and not where it is a table of numbers to look up', () => {
    const table = { name: 'blk.0.ffn_gate_tid2eid.weight', shape: [2, 4], type: 26 }
    expect(() => check({ ...CHAT, tensors: [...CHAT.tensors, table] })).not.toThrow()
    const why = refusal({ ...CHAT, tensors: [...CHAT.tensors, { ...table, type: 0 }] })
    expect(why).toContain('values of type I32, got F32')
  })

  test('and not of a matrix in any type that weights have', () => {
    for (const [type, bytes] of [
      [1, 2048],
      [2, 576],
      [8, 1088],
      [30, 2048],
    ] as const) {
      expect(() => check(withType('blk.0.attn_q.weight', type, bytes))).not.toThrow()
    }
  })
})

test('neither licence, name nor chat template is needed', () => {
  const bare = changed(CHAT, [], ['general.name', 'general.license', 'tokenizer.chat_template'])
  expect(() => check(bare)).not.toThrow()
  expect(() => check(changed(BASE, [flag('tokenizer.ggml.add_bos_token', false)]))).not.toThrow()
})
