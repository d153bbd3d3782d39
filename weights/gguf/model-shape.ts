import type { LayerCache, ModelShape } from '../../catalog/model-shape.ts'
import { bytesOf } from './byte-source.ts'
import type { ByteSource } from './byte-source.ts'
import { corrupt, notServable } from './problems.ts'
import type { Gguf } from './read-gguf.ts'
import { arrayOf, numbersOf, textOf, u32Of, wrongValue } from './typed-values.ts'

/** No layer of these has attention (llama-arch.cpp `llm_arch_is_recurrent`). */
const RECURRENT = new Set(['mamba', 'mamba2', 'rwkv6', 'rwkv6qwen2', 'rwkv7', 'arwkv7'])
/** Each layer of these has both. */
const BOTH = new Set(['falcon-h1'])
/** Attention stands in every so many layers, a state in the others; the number where a file states none. */
const INTERVALS: Readonly<Record<string, number>> = {
  qwen3next: 4,
  qwen35: 4,
  qwen35moe: 4,
}
/** A layer without key heads has a state. */
const BY_HEADS = new Set([
  ...['bailingmoe3', 'granitehybrid', 'jamba', 'kimi-k3', 'kimi-linear', 'lfm2', 'lfm2moe'],
  ...['nemotron_h', 'nemotron_h_moe', 'plamo2'],
])
/** An index of one key head beside the cache of each layer. */
const INDEXED = new Set(['deepseek32', 'glm-dsa'])
/** What these keep follows rules of their own, which this project has not learnt. */
const UNKNOWN = new Set([
  ...['deepseek4', 'dflash', 'dots3note', 'hy-v4', 'minimax-01', 'minimax-m3', 'qwen4exp'],
])
/** The last of so many layers looks back over all tokens, the others over a window; files may state another number. */
const WINDOWED: Readonly<Record<string, number>> = {
  ...{ afmoe: 4, cohere2: 4, 'exaone-moe': 4, exaone4: 4, gemma2: 2, gemma3: 6, gemma3n: 5 },
  ...{ 'gpt-oss': 2, llama4: 4, olmo2: 4 },
}

/**
 * The numbers from which a model's memory follows, as llama.cpp reads them (llama-model.cpp
 * `load_hparams` and `create_memory`, llama-hparams.cpp). `gguf` has passed `checkHyperparameters`. Throws
 * KitError WEIGHTS_NOT_SERVABLE for an architecture of which they are not known.
 */
export function shapeOf(gguf: Gguf, source: ByteSource): ModelShape {
  const own = new Header(gguf, source)
  if (UNKNOWN.has(own.architecture)) {
    throw notServable(
      gguf.name,
      '"general.architecture"',
      'one whose cache this project knows',
      own.architecture,
    )
  }
  const head = headOf(own)
  const { experts } = expertsOf(own)
  // Files of such models state the width of an expert there too, or what is used of no layer.
  const dense = experts?.layers === own.layers ? [] : (own.perLayer('feed_forward_length') ?? [])
  return {
    architecture: own.architecture,
    layers: own.layers,
    embedding: own.needed('embedding_length'),
    vocabulary: vocabularyOf(own),
    feedForward: Math.max(0, ...dense),
    heads: Math.max(1, ...(own.perLayer('attention.head_count') ?? [])),
    ...head,
    caches: cachesOf(own),
    ...statesOf(own),
    ...(experts === undefined ? {} : { experts }),
  }
}

/** Numbers of a file by their names without the architecture. */
class Header {
  readonly gguf: Gguf
  readonly architecture: string
  readonly #source: ByteSource

  constructor(gguf: Gguf, source: ByteSource) {
    this.gguf = gguf
    this.architecture = textOf(gguf, 'general.architecture') ?? ''
    this.#source = source
  }

  /** Without those that only guess tokens ahead. */
  get layers(): number {
    return this.needed('block_count') - (this.number('nextn_predict_layers') ?? 0)
  }

  number(name: string): number | undefined {
    return u32Of(this.gguf, `${this.architecture}.${name}`)
  }

  needed(name: string): number {
    const value = this.number(name)
    if (value !== undefined && value > 0) return value
    const got = value === undefined ? 'nothing' : '0'
    throw corrupt(this.gguf.name, `"${this.architecture}.${name}"`, 'a number above 0', got)
  }

  /** Of one that stands there once or for each layer: of each layer. */
  perLayer(name: string): readonly number[] | undefined {
    const key = `${this.architecture}.${name}`
    if (this.gguf.metadata.get(key)?.type !== 'array') {
      const once = this.number(name)
      return once === undefined ? undefined : Array.from({ length: this.layers }, () => once)
    }
    const list = arrayOf(this.gguf, key, ['u32', 'i32'])!
    const all = this.needed('block_count')
    if (list.length !== all) throw wrongValue(this.gguf, key, `one for each of ${all} layers`)
    const numbers = [...numbersOf(this.#source, list, Uint32Array)]
    return numbers.flatMap((part) => [...part.numbers]).slice(0, this.layers)
  }

  /** Of one that stands there as a list of true and false; undefined: it is none. */
  flags(name: string): readonly boolean[] | undefined {
    const value = this.gguf.metadata.get(`${this.architecture}.${name}`)
    if (value?.type !== 'array' || value.elements !== 'bool') return undefined
    const bytes = bytesOf(this.#source, value.at, Math.min(value.length, this.layers))
    return [...bytes].map((byte) => byte !== 0)
  }
}

function vocabularyOf(own: Header): number {
  const tokens = own.gguf.metadata.get('tokenizer.ggml.tokens')
  if (tokens?.type === 'array' && tokens.length > 0) return tokens.length
  return own.needed('vocab_size')
}

/** Of a head as it is computed: with latent attention (MLA) in the latent space. */
function headOf(own: Header) {
  const heads = Math.max(1, own.perLayer('attention.head_count')?.[0] ?? 1)
  const usual = Math.floor(own.needed('embedding_length') / heads)
  return {
    keyLength: own.number('attention.key_length') ?? usual,
    valueLength: own.number('attention.value_length') ?? usual,
  }
}

const isLatent = (own: Header) =>
  (own.number('attention.key_length_mla') ?? 0) > 0 &&
  (own.number('attention.value_length_mla') ?? 0) > 0

/** true: the layer has attention. */
function attentionOf(own: Header): (layer: number) => boolean {
  const { architecture } = own
  if (RECURRENT.has(architecture)) return () => false
  const interval = INTERVALS[architecture]
  if (interval !== undefined) {
    const every = own.number('full_attention_interval') ?? interval
    return (layer) => (layer + 1) % every === 0
  }
  if (!BY_HEADS.has(architecture)) return () => true
  const shared = own.perLayer('attention.head_count_kv') ?? []
  return (layer) => (shared[layer] ?? 0) > 0
}

/** Tokens that a layer looks back over; undefined: all. */
function windowOf(own: Header): (layer: number) => number | undefined {
  const tokens = own.number('attention.sliding_window') || undefined
  const stated = own.flags('attention.sliding_window_pattern')
  if (stated !== undefined) return (layer) => (stated[layer] ? tokens : undefined)
  const usual = WINDOWED[own.architecture]
  if (usual === undefined) return () => undefined
  const every = own.number('attention.sliding_window_pattern') ?? usual
  return (layer) => (every === 0 || layer % every < every - 1 ? tokens : undefined)
}

function cachesOf(own: Header): LayerCache[] {
  const { keyLength, valueLength } = headOf(own)
  const windowIn = windowOf(own)
  const heads = own.perLayer('attention.head_count') ?? []
  const shared = own.perLayer('attention.head_count_kv') ?? heads
  const hasAttention = attentionOf(own)
  const latent = isLatent(own)
  const caches = new Map<string, LayerCache>()
  for (let layer = 0; layer < ownLayers(own); layer++) {
    const keys = shared[layer] ?? 0
    if (!hasAttention(layer) || keys === 0) continue
    const window = windowIn(layer)
    const swa = window === undefined ? '' : '_swa'
    const keyWidth = keys * (own.number(`attention.key_length${swa}`) ?? keyLength)
    const values = own.number(`attention.value_length${swa}`) ?? valueLength
    const valueWidth = latent ? 0 : keys * values
    const key = `${keyWidth} ${valueWidth} ${window}`
    const layers = (caches.get(key)?.layers ?? 0) + 1
    caches.set(key, { layers, keyWidth, valueWidth, ...(window === undefined ? {} : { window }) })
  }
  const index = INDEXED.has(own.architecture) ? own.number('attention.indexer.key_length') : 0
  return [
    ...caches.values(),
    ...(index ? [{ layers: own.layers, keyWidth: index, valueWidth: 0 }] : []),
  ]
}

/** The last layers of some models look at what earlier ones keep. */
function ownLayers(own: Header): number {
  if (own.architecture === 'gemma3n') return Math.min(own.layers, 20)
  return own.layers - (own.number('attention.shared_kv_layers') ?? 0)
}

function statesOf(own: Header): Pick<ModelShape, 'states'> {
  const hasAttention = attentionOf(own)
  const layers = Array.from({ length: own.layers }, (_, layer) => layer).filter(
    (layer) => BOTH.has(own.architecture) || !hasAttention(layer),
  ).length
  if (layers === 0) return {}
  const embedding = own.needed('embedding_length')
  const of = (convolution: number, state: number) => ({ states: { layers, convolution, state } })
  const wkv = own.number('wkv.head_size')
  if (wkv) return of((own.number('token_shift_count') ?? 2) * embedding, embedding * wkv)
  const short = own.number('shortconv.l_cache')
  const inner = own.number('ssm.inner_size') ?? 0
  const size = own.number('ssm.state_size') ?? 0
  if (short) return of(embedding * (short - 1), size * inner)
  const kernel = own.number('ssm.conv_kernel') ?? 0
  const kda = own.number('kda.head_dim')
  if (kda) {
    const heads = Math.max(...(own.perLayer('attention.head_count') ?? [1]))
    return of(3 * (kernel > 0 ? kernel - 1 : 3) * heads * kda, kda * kda * heads)
  }
  const groups = own.number('ssm.group_count') ?? 0
  return of(Math.max(0, kernel - 1) * (inner + 2 * groups * size), size * inner)
}

function expertsOf(own: Header): Pick<ModelShape, 'experts'> {
  const count = own.number('expert_count') ?? 0
  if (count < 2) return {}
  const feedForward = own.number('expert_feed_forward_length') ?? own.needed('feed_forward_length')
  const shared =
    own.number('expert_shared_feed_forward_length') ??
    (own.number('expert_shared_count') ?? 0) * feedForward
  return {
    experts: {
      count,
      used: Math.max(1, ...(own.perLayer('expert_used_count') ?? [])),
      feedForward,
      shared,
      layers: own.layers - (own.number('leading_dense_block_count') ?? 0),
    },
  }
}
