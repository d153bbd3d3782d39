/** Values by key, of the one type that llama.cpp takes for it. Undefined: the file has no such key. */
import type { KitError } from '../../catalog/errors.ts'
import type { ByteSource } from './byte-source.ts'
import { corrupt, shown } from './problems.ts'
import type { Gguf } from './read-gguf.ts'
import { describe } from './values.ts'
import type { GgufArray } from './values.ts'

/** Throws KitError WEIGHTS_CORRUPT, as those below. */
export function textOf(gguf: Gguf, key: string): string | undefined {
  const value = gguf.metadata.get(key)
  if (value === undefined || value.type === 'string') return value?.value
  throw wrongValue(gguf, key, 'a text')
}

export function u32Of(gguf: Gguf, key: string): number | undefined {
  const value = gguf.metadata.get(key)
  if (value === undefined) return undefined
  if (value.type === 'u32') return Number(value.value)
  throw wrongValue(gguf, key, 'a number (u32)')
}

export function arrayOf(
  gguf: Gguf,
  key: string,
  elements: readonly GgufArray['elements'][],
): GgufArray | undefined {
  const value = gguf.metadata.get(key)
  if (value === undefined) return undefined
  if (value.type === 'array' && elements.includes(value.elements)) return value
  throw wrongValue(gguf, key, `an array of ${elements.join(' or ')}`)
}

/** Read at once: what is looked at once need not lie in memory as a whole. */
const CHUNK = 1 << 16

/** Elements of an array of `u32`, `i32` or `f32`, some after the others; good until the next ones. */
export function* numbersOf<Numbers extends Int32Array | Uint32Array | Float32Array>(
  source: ByteSource,
  array: GgufArray,
  numbers: new (buffer: ArrayBuffer, at: number, length: number) => Numbers,
): Generator<{ from: number; numbers: Numbers }> {
  const buffer = new ArrayBuffer(Math.min(CHUNK, array.bytes))
  for (let from = 0; from < array.length; from += CHUNK / 4) {
    const length = Math.min(CHUNK / 4, array.length - from)
    source.read(array.at + 4 * from, new Uint8Array(buffer, 0, 4 * length))
    yield { from, numbers: new numbers(buffer, 0, length) }
  }
}

/** The value of a key that breaks a rule, with its place in the file. */
export function wrongValue(gguf: Gguf, key: string, expected: string, got?: string): KitError {
  const value = gguf.metadata.get(key)
  const field = value === undefined ? shown(key) : `byte ${value.at}, ${shown(key)}`
  return corrupt(gguf.name, field, expected, got ?? describe(value))
}
