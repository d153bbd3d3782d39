/** Whole models of a few thousand weights, as converters write them: llama.cpp loads and decodes each. */
import { TYPES, array, f32, flag, fraction, i32, number, text, texts } from './small-gguf.ts'
import type { GgufParts, Pair, Tensor } from './small-gguf.ts'

const EMBEDDING = 32
const HIDDEN = 64
const HEADS = 4
const SHARED_HEADS = 2
const HEAD = EMBEDDING / HEADS
const CONTEXT = 128
const EXPERTS = 4

/** llama.cpp's types of tokens. */
const [NORMAL, UNKNOWN, CONTROL, BYTE] = [1, 2, 3, 6]

type Token = readonly [text: string, type: number]
const typed = (type: number, ...words: string[]) => words.map((word): Token => [word, type])

const hex = (byte: number) => byte.toString(16).toUpperCase().padStart(2, '0')
const BYTES = Array.from({ length: 256 }, (_, byte) => byte)
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz']
const WORDS = ['▁the', '▁of', '▁dan', '▁yang', '▁และ', '▁của', '▁ang']

/** As SentencePiece makes them: scores, and a token for each byte. */
const PIECES = [
  ...typed(UNKNOWN, '<unk>'),
  ...typed(CONTROL, '<s>', '</s>'),
  ...typed(BYTE, ...BYTES.map((byte) => `<0x${hex(byte)}>`)),
  ...typed(NORMAL, '▁', ...LETTERS, ...WORDS),
]
const WORD_PIECES = [
  ...typed(CONTROL, '[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'),
  ...typed(NORMAL, ...WORDS, ...LETTERS.map((letter) => `▁${letter}`), ...LETTERS),
]
const UNIGRAMS = [
  ...typed(CONTROL, '<s>', '<pad>', '</s>'),
  ...typed(UNKNOWN, '<unk>'),
  ...typed(NORMAL, '▁', ...LETTERS, ...WORDS),
]
const MERGES = ['t h', 'th e', 'a n', 'i n']
const BYTE_PAIRS = [
  ...typed(NORMAL, ...BYTES.map(letterOf), ...MERGES.map((merge) => merge.replace(' ', ''))),
  ...typed(CONTROL, '<|im_start|>', '<|im_end|>'),
]

/** GPT-2's letter for a byte: itself, or one of those from 256 on. */
function letterOf(byte: number): string {
  const isPlain = (value: number) =>
    (value > 32 && value < 127) || (value > 160 && value !== 173 && value < 256)
  if (isPlain(byte)) return String.fromCodePoint(byte)
  return String.fromCodePoint(256 + BYTES.slice(0, byte).filter((value) => !isPlain(value)).length)
}

const TEMPLATE =
  "{% for message in messages %}<s>{{ message['role'] }}: {{ message['content'] }}</s>{% endfor %}"

const tokenizer = (model: string, tokens: readonly Token[]): Pair[] => [
  text('tokenizer.ggml.model', model),
  texts(
    'tokenizer.ggml.tokens',
    tokens.map(([word]) => word),
  ),
  array(
    'tokenizer.ggml.token_type',
    TYPES.i32,
    tokens.map(([, type]) => i32(type)),
  ),
]
const scores = (tokens: readonly Token[]) =>
  array(
    'tokenizer.ggml.scores',
    TYPES.f32,
    tokens.map((_, at) => f32(-at)),
  )

const general = (architecture: string, name: string): Pair[] => [
  text('general.architecture', architecture),
  text('general.type', 'model'),
  text('general.name', name),
  text('general.license', 'apache-2.0'),
  number(`${architecture}.context_length`, CONTEXT),
  number(`${architecture}.embedding_length`, EMBEDDING),
  number(`${architecture}.block_count`, 1),
  number(`${architecture}.feed_forward_length`, HIDDEN),
  number(`${architecture}.attention.head_count`, HEADS),
]

const decoder = (architecture: string, name: string): Pair[] => [
  ...general(architecture, name),
  number(`${architecture}.attention.head_count_kv`, SHARED_HEADS),
  fraction(`${architecture}.attention.layer_norm_rms_epsilon`, 1e-5),
  number(`${architecture}.rope.dimension_count`, HEAD),
  fraction(`${architecture}.rope.freq_base`, 10_000),
]

const tensor = (name: string, ...shape: number[]): Tensor => ({ name, shape, type: 0 })
const layer = (name: string, ...shape: number[]) => tensor(`blk.0.${name}`, ...shape)

const decoderTensors = (vocabulary: number, feedForward: Tensor[]): Tensor[] => [
  tensor('token_embd.weight', EMBEDDING, vocabulary),
  layer('attn_norm.weight', EMBEDDING),
  layer('attn_q.weight', EMBEDDING, EMBEDDING),
  layer('attn_k.weight', EMBEDDING, HEAD * SHARED_HEADS),
  layer('attn_v.weight', EMBEDDING, HEAD * SHARED_HEADS),
  layer('attn_output.weight', EMBEDDING, EMBEDDING),
  layer('ffn_norm.weight', EMBEDDING),
  ...feedForward,
  tensor('output_norm.weight', EMBEDDING),
]
const DENSE = [
  layer('ffn_gate.weight', EMBEDDING, HIDDEN),
  layer('ffn_up.weight', EMBEDDING, HIDDEN),
  layer('ffn_down.weight', HIDDEN, EMBEDDING),
]
const MIXTURE = [
  layer('ffn_gate_inp.weight', EMBEDDING, EXPERTS),
  layer('ffn_gate_exps.weight', EMBEDDING, HIDDEN, EXPERTS),
  layer('ffn_up_exps.weight', EMBEDDING, HIDDEN, EXPERTS),
  layer('ffn_down_exps.weight', HIDDEN, EMBEDDING, EXPERTS),
]

/** A chat model with a tokenizer of SentencePiece. */
export const CHAT: GgufParts = {
  pairs: [
    ...decoder('llama', 'Small chat'),
    ...tokenizer('llama', PIECES),
    scores(PIECES),
    number('tokenizer.ggml.bos_token_id', 1),
    number('tokenizer.ggml.eos_token_id', 2),
    flag('tokenizer.ggml.add_bos_token', true),
    text('tokenizer.chat_template', TEMPLATE),
  ],
  tensors: decoderTensors(PIECES.length, DENSE),
}

/** The same as a mixture of experts, with heads for each layer in a list. */
export const EXPERT: GgufParts = {
  pairs: [
    ...CHAT.pairs.filter(({ key }) => key !== 'llama.attention.head_count'),
    array('llama.attention.head_count', TYPES.i32, [i32(HEADS)]),
    number('llama.expert_count', EXPERTS),
    number('llama.expert_used_count', 2),
  ],
  tensors: decoderTensors(PIECES.length, MIXTURE),
}

/** A base model, without a chat template, whose tokenizer merges byte pairs. */
export const BASE: GgufParts = {
  pairs: [
    ...decoder('qwen2', 'Small base'),
    ...tokenizer('gpt2', BYTE_PAIRS),
    text('tokenizer.ggml.pre', 'qwen2'),
    texts('tokenizer.ggml.merges', MERGES),
    number('tokenizer.ggml.eos_token_id', BYTE_PAIRS.length - 1),
  ],
  tensors: [
    ...decoderTensors(BYTE_PAIRS.length, DENSE),
    layer('attn_q.bias', EMBEDDING),
    layer('attn_k.bias', HEAD * SHARED_HEADS),
    layer('attn_v.bias', HEAD * SHARED_HEADS),
  ],
}

const WIDE_HEAD = 16

/** A model whose layers look back over a window, with heads of a width of their own. */
export const WINDOWED: GgufParts = {
  pairs: [
    ...decoder('gemma3', 'Small windowed').filter(({ key }) => !key.includes('rope.dimension')),
    number('gemma3.attention.key_length', WIDE_HEAD),
    number('gemma3.attention.value_length', WIDE_HEAD),
    number('gemma3.attention.sliding_window', 32),
    ...tokenizer('llama', PIECES),
    scores(PIECES),
    number('tokenizer.ggml.bos_token_id', 1),
    number('tokenizer.ggml.eos_token_id', 2),
  ],
  tensors: [
    tensor('token_embd.weight', EMBEDDING, PIECES.length),
    layer('attn_norm.weight', EMBEDDING),
    layer('attn_q.weight', EMBEDDING, WIDE_HEAD * HEADS),
    layer('attn_k.weight', EMBEDDING, WIDE_HEAD * SHARED_HEADS),
    layer('attn_v.weight', EMBEDDING, WIDE_HEAD * SHARED_HEADS),
    layer('attn_output.weight', WIDE_HEAD * HEADS, EMBEDDING),
    ...['attn_q_norm', 'attn_k_norm'].map((name) => layer(`${name}.weight`, WIDE_HEAD)),
    ...['post_attention_norm', 'ffn_norm', 'post_ffw_norm'].map((name) =>
      layer(`${name}.weight`, EMBEDDING),
    ),
    ...DENSE,
    tensor('output_norm.weight', EMBEDDING),
  ],
}

const INNER = 2 * EMBEDDING
const STATE = 16
const STEP_RANK = 2
const KERNEL = 4

/** A model that keeps a state instead of keys and values: it has no heads. */
export const RECURRENT: GgufParts = {
  pairs: [
    ...general('mamba', 'Small recurrent').filter(({ key }) => !key.includes('head_count')),
    number('mamba.attention.head_count', 0),
    fraction('mamba.attention.layer_norm_rms_epsilon', 1e-5),
    number('mamba.ssm.conv_kernel', KERNEL),
    number('mamba.ssm.inner_size', INNER),
    number('mamba.ssm.state_size', STATE),
    number('mamba.ssm.time_step_rank', STEP_RANK),
    ...tokenizer('gpt2', BYTE_PAIRS),
    texts('tokenizer.ggml.merges', MERGES),
    number('tokenizer.ggml.eos_token_id', BYTE_PAIRS.length - 1),
  ],
  tensors: [
    tensor('token_embd.weight', EMBEDDING, BYTE_PAIRS.length),
    layer('attn_norm.weight', EMBEDDING),
    layer('ssm_in.weight', EMBEDDING, 2 * INNER),
    layer('ssm_conv1d.weight', KERNEL, INNER),
    layer('ssm_conv1d.bias', INNER),
    layer('ssm_x.weight', INNER, STEP_RANK + 2 * STATE),
    layer('ssm_dt.weight', STEP_RANK, INNER),
    layer('ssm_dt.bias', INNER),
    layer('ssm_a', STATE, INNER),
    layer('ssm_d', INNER),
    layer('ssm_out.weight', INNER, EMBEDDING),
    tensor('output_norm.weight', EMBEDDING),
  ],
}

const encoder = (name: string): Pair[] => [
  ...general('bert', name),
  fraction('bert.attention.layer_norm_epsilon', 1e-12),
  flag('bert.attention.causal', false),
  number('tokenizer.ggml.token_type_count', 2),
]
const encoderTensors = (vocabulary: number): Tensor[] => [
  tensor('token_embd.weight', EMBEDDING, vocabulary),
  tensor('token_types.weight', EMBEDDING, 2),
  tensor('position_embd.weight', EMBEDDING, CONTEXT),
  ...normed((part) => tensor(`token_embd_norm.${part}`, EMBEDDING)),
  ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].flatMap((name) => [
    layer(`${name}.weight`, EMBEDDING, EMBEDDING),
    layer(`${name}.bias`, EMBEDDING),
  ]),
  ...normed((part) => layer(`attn_output_norm.${part}`, EMBEDDING)),
  layer('ffn_up.weight', EMBEDDING, HIDDEN),
  layer('ffn_up.bias', HIDDEN),
  layer('ffn_down.weight', HIDDEN, EMBEDDING),
  layer('ffn_down.bias', EMBEDDING),
  ...normed((part) => layer(`layer_output_norm.${part}`, EMBEDDING)),
]
const normed = (part: (name: string) => Tensor) => ['weight', 'bias'].map(part)

/** An embedding model whose tokenizer makes word pieces. */
export const EMBEDDER: GgufParts = {
  pairs: [
    ...encoder('Small embedder'),
    number('bert.pooling_type', 1),
    ...tokenizer('bert', WORD_PIECES),
    number('tokenizer.ggml.bos_token_id', 2),
    number('tokenizer.ggml.seperator_token_id', 3),
    number('tokenizer.ggml.unknown_token_id', 1),
    number('tokenizer.ggml.mask_token_id', 4),
  ],
  tensors: encoderTensors(WORD_PIECES.length),
}

/** Units of a map of characters: `ａ` (three bytes) becomes `a`. */
export const CHARSMAP = charsmapOf([...Buffer.from('ａ')], 'a')

/** A double array with the one way that `bytes` are, and a text at its end. */
function charsmapOf(bytes: readonly number[], replacement: string): Buffer {
  // A base below 256 keeps every byte within the first 256 units.
  const units = new Uint32Array(256)
  const unit = (base: number, label: number, leaf: boolean) =>
    ((base << 10) | (leaf ? 1 << 8 : 0) | label) >>> 0
  let base = 1
  units[0] = unit(base, 0, false)
  bytes.forEach((byte, index) => {
    const at = base ^ byte
    const next = base + 1
    units[at] = unit(at ^ next, byte, index === bytes.length - 1)
    base = next
  })
  // Where the last one leads lies the place of the text.
  units[base] = 0
  const size = Buffer.alloc(4)
  size.writeUInt32LE(units.byteLength)
  return Buffer.concat([size, Buffer.from(units.buffer), Buffer.from(`${replacement}\0`)])
}

/** An embedding model of many languages: unigrams, and a map of characters. */
export const POLYGLOT: GgufParts = {
  pairs: [
    ...encoder('Small polyglot'),
    number('bert.pooling_type', 2),
    ...tokenizer('t5', UNIGRAMS),
    scores(UNIGRAMS),
    array('tokenizer.ggml.precompiled_charsmap', TYPES.u8, [CHARSMAP], CHARSMAP.length),
    number('tokenizer.ggml.bos_token_id', 0),
    number('tokenizer.ggml.eos_token_id', 2),
    number('tokenizer.ggml.unknown_token_id', 3),
    number('tokenizer.ggml.padding_token_id', 1),
  ],
  tensors: encoderTensors(UNIGRAMS.length),
}

export const SMALL_MODELS = {
  ...{ CHAT, EXPERT, BASE, WINDOWED, RECURRENT, EMBEDDER, POLYGLOT },
} as const
export type SmallModel = keyof typeof SMALL_MODELS

/** The same with some values put in place of those of the same key, or behind them, and without some. */
export function changed(
  { pairs, tensors, ...rest }: GgufParts,
  set: readonly Pair[],
  without: readonly string[] = [],
): GgufParts {
  const replaced = pairs.map((pair) => set.find(({ key }) => key === pair.key) ?? pair)
  const added = set.filter(({ key }) => pairs.every((pair) => pair.key !== key))
  const kept = [...replaced, ...added].filter(({ key }) => !without.includes(key))
  return { pairs: kept, tensors, ...rest }
}
