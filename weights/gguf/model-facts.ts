import type { Gguf } from './read-gguf.ts'

/** How an embedding model makes one vector of many; llama.cpp's `llama_pooling_type` by number. */
export const POOLING = ['none', 'mean', 'cls', 'last', 'rank'] as const
export type Pooling = (typeof POOLING)[number]

export interface TensorCount {
  /** Of a tensor type: `Q8_0`. */
  type: string
  tensors: number
  bytes: number
}

/** What is asked first of a file. What it does not say, or not in a way that can be understood, is undefined. */
export interface ModelFacts {
  architecture: string | undefined
  name: string | undefined
  licence: string | undefined
  /** Weights, of all tensors. */
  parameters: number
  /** Most bytes first. */
  tensorTypes: readonly TensorCount[]
  /** Tokens that the model was trained for. */
  contextLength: number | undefined
  /** Tokens that it knows; 0 without a tokenizer. */
  vocabularySize: number
  /** Tokens; undefined: each layer looks back over all. */
  slidingWindow: number | undefined
  chatTemplate: string | undefined
  /** undefined: no embedding model, or one that leaves the choice to its server. */
  pooling: Pooling | undefined
}

/** Lenient: also of a file that is not to be served. */
export function factsOf(gguf: Gguf): ModelFacts {
  const text = (key: string) => {
    const value = gguf.metadata.get(key)
    return value?.type === 'string' ? value.value : undefined
  }
  const architecture = text('general.architecture')
  const number = (name: string) => {
    const value = gguf.metadata.get(`${architecture}.${name}`)
    return value?.type === 'u32' ? Number(value.value) : undefined
  }
  const tokens = gguf.metadata.get('tokenizer.ggml.tokens')
  return {
    architecture,
    name: text('general.name'),
    licence: text('general.license'),
    parameters: gguf.tensors.reduce((sum, { shape }) => sum + valuesIn(shape), 0),
    tensorTypes: tensorTypesOf(gguf),
    contextLength: number('context_length'),
    vocabularySize: tokens?.type === 'array' ? tokens.length : 0,
    slidingWindow: number('attention.sliding_window') || undefined,
    chatTemplate: text('tokenizer.chat_template'),
    pooling: POOLING[number('pooling_type') ?? -1],
  }
}

const valuesIn = (shape: readonly number[]) => shape.reduce((product, values) => product * values)

function tensorTypesOf({ tensors }: Gguf): TensorCount[] {
  const counts = new Map<string, TensorCount>()
  for (const { type, bytes } of tensors) {
    const count = counts.get(type.name) ?? { type: type.name, tensors: 0, bytes: 0 }
    count.tensors++
    count.bytes += bytes
    counts.set(type.name, count)
  }
  return [...counts.values()].sort((a, b) => b.bytes - a.bytes)
}
