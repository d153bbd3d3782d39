import type { ByteSource } from './byte-source.ts'
import { POOLING } from './model-facts.ts'
import type { Gguf } from './read-gguf.ts'
import { arrayOf, numbersOf, textOf, u32Of, wrongValue } from './typed-values.ts'
import { WHOLE_HEADS } from './whole-heads.ts'

/** Beyond these a number is no model's, and sizes that llama.cpp makes of it may overflow. */
const MOST = {
  /** LLAMA_MAX_LAYERS */
  block_count: 512,
  embedding_length: 1 << 20,
  context_length: 2 ** 31 - 1,
} as const
/** LLAMA_MAX_EXPERTS */
const MOST_EXPERTS = 1024
/** LLAMA_EXPERT_GATING_FUNC_TYPE_SQRT_SOFTPLUS */
const LAST_GATING = 4
const ROPE_SCALING = ['none', 'linear', 'yarn', 'longrope']
/** Something is divided by each where it is given. */
const DIVISORS = [
  ...['ssm.group_count', 'wkv.head_size', 'experts_per_group', 'conv_group_size'],
  ...['attention.group_norm_groups', 'attention.output_group_count'],
]
/** Their files may say that they have one expert, which llama.cpp takes as none. */
const ONE_EXPERT_IS_NONE = ['hunyuan_vl', 'hunyuan-dense']

/**
 * The numbers that llama.cpp divides by, makes sizes of or ends the process over (llama-model.cpp
 * `load_hparams`, llama-graph.cpp, ggml). Throws KitError WEIGHTS_CORRUPT.
 */
export function checkHyperparameters(gguf: Gguf, source: ByteSource, architecture: string): void {
  const own = new Hyperparameters(gguf, source, architecture)
  for (const [name, most] of Object.entries(MOST)) {
    const value = own.number(name) ?? 0
    if (value < 1 || value > most) throw own.wrong(name, `a whole number from 1 to ${most}`)
  }
  own.atMost('nextn_predict_layers', own.layers - 1)
  own.atMost('pooling_type', POOLING.length - 1)
  own.atMost('expert_gating_func', LAST_GATING)
  for (const name of DIVISORS) if (own.number(name) === 0) throw own.wrong(name, 'at least 1')
  const scaling = own.text('rope.scaling.type')
  if (scaling !== undefined && !ROPE_SCALING.includes(scaling)) {
    throw own.wrong('rope.scaling.type', `one of ${ROPE_SCALING.join(', ')}`)
  }
  checkFractions(gguf, architecture)
  checkHeads(own)
  if (!(ONE_EXPERT_IS_NONE.includes(architecture) && own.number('expert_count') === 1)) {
    checkExperts(own)
  }
}

/** Those of a file, by their names without the architecture. */
class Hyperparameters {
  readonly #gguf: Gguf
  readonly #source: ByteSource
  readonly architecture: string

  constructor(gguf: Gguf, source: ByteSource, architecture: string) {
    this.#gguf = gguf
    this.#source = source
    this.architecture = architecture
  }

  get layers(): number {
    return this.number('block_count') ?? 0
  }

  number(name: string): number | undefined {
    return u32Of(this.#gguf, this.#key(name))
  }

  text(name: string): string | undefined {
    return textOf(this.#gguf, this.#key(name))
  }

  /** Of one that may stand there once or for each layer: of each layer. */
  perLayer(name: string): readonly number[] | undefined {
    if (this.#gguf.metadata.get(this.#key(name))?.type !== 'array') {
      const once = this.number(name)
      return once === undefined ? undefined : Array.from({ length: this.layers }, () => once)
    }
    const list = arrayOf(this.#gguf, this.#key(name), ['u32', 'i32'])!
    if (list.length !== this.layers) throw this.wrong(name, `one for each of ${this.layers} layers`)
    return [...numbersOf(this.#source, list, Uint32Array)].flatMap(({ numbers }) => [...numbers])
  }

  atMost(name: string, most: number): void {
    if ((this.number(name) ?? 0) > most) throw this.wrong(name, `at most ${most}`)
  }

  hasTensor(name: RegExp): boolean {
    return this.#gguf.tensors.some((tensor) => name.test(tensor.name))
  }

  wrong(name: string, expected: string, got?: string) {
    return wrongValue(this.#gguf, this.#key(name), expected, got)
  }

  #key(name: string): string {
    return `${this.architecture}.${name}`
  }
}

/** ggml ends the process over an epsilon that is none. */
function checkFractions(gguf: Gguf, architecture: string): void {
  for (const [key, value] of gguf.metadata) {
    if (value.type !== 'f32' && value.type !== 'f64') continue
    if (!key.startsWith(`${architecture}.`)) continue
    const fraction = Number(value.value)
    if (!Number.isFinite(fraction)) throw wrongValue(gguf, key, 'a finite number')
    if (fraction < 0 && key.endsWith('epsilon')) throw wrongValue(gguf, key, 'at least 0')
  }
}

function checkHeads(own: Hyperparameters): void {
  const heads = own.perLayer('attention.head_count')
  if (heads === undefined) return
  if (heads.every((count) => count === 0)) {
    if (!own.hasTensor(/\.attn_(q|k|qkv)\.weight$/)) return
    throw own.wrong('attention.head_count', 'at least 1, as there is attention')
  }
  const shared = own.perLayer('attention.head_count_kv') ?? heads
  const odd = heads.findIndex((count, layer) => count % (shared[layer] || 1) !== 0)
  if (odd >= 0) {
    const got = `${shared[odd]} in layer ${odd}`
    throw own.wrong('attention.head_count_kv', `a divisor of ${heads[odd]} heads`, got)
  }
  const first = heads[0]!
  if (first === 0) return
  const length =
    own.number('attention.key_length') ?? Math.floor(own.number('embedding_length')! / first)
  if (WHOLE_HEADS.has(own.architecture)) {
    const rotated = own.number('rope.dimension_count') ?? length
    if (rotated !== length) throw own.wrong('rope.dimension_count', `${length}, the whole head`)
  }
  for (const layers of ['', '_swa']) {
    const most = own.number(`attention.key_length${layers}`) ?? length
    const rotated = own.number(`rope.dimension_count${layers}`) ?? 0
    if (rotated > most || rotated % 2 !== 0) {
      throw own.wrong(`rope.dimension_count${layers}`, `an even number, at most ${most}`)
    }
  }
}

function checkExperts(own: Hyperparameters): void {
  const experts = own.number('expert_count') ?? 0
  if (experts > MOST_EXPERTS) throw own.wrong('expert_count', `at most ${MOST_EXPERTS}`)
  const used = Math.max(...(own.perLayer('expert_used_count') ?? [0]))
  if (used > experts || (used === 0 && experts > 0)) {
    const rule = experts === 0 ? 'none, as there are no experts' : `1 to ${experts}`
    throw own.wrong('expert_used_count', rule)
  }
  const groups = own.number('expert_group_count') ?? 0
  if (groups > 0 && (groups >= experts || experts % groups !== 0)) {
    throw own.wrong('expert_group_count', `a divisor of ${experts} experts, below it`)
  }
  const usedGroups = own.number('expert_group_used_count') ?? 0
  if (groups > 1 && (usedGroups < 1 || usedGroups >= groups)) {
    throw own.wrong('expert_group_used_count', `1 to ${groups - 1}`)
  }
}
