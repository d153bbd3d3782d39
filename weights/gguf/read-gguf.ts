import type { ByteSource } from './byte-source.ts'
import { Cursor } from './cursor.ts'
import { shown } from './problems.ts'
import { TENSOR_TYPES } from './tensor-types.ts'
import type { TensorType } from './tensor-types.ts'
import { describe, readValue } from './values.ts'
import type { GgufValue } from './values.ts'

export interface GgufTensor {
  name: string
  /** Values in each dimension, the row first; one to four of them. */
  shape: readonly number[]
  type: TensorType
  /** From the beginning of the file. */
  at: number
  bytes: number
}

/** What a GGUF file says of itself. */
export interface Gguf {
  /** Of the file, as messages call it. */
  name: string
  version: number
  /** Of the whole file, bytes. */
  size: number
  metadata: ReadonlyMap<string, GgufValue>
  tensors: readonly GgufTensor[]
}

/** llama.cpp compares each name with all before it: more of them than any model has would take minutes. */
const MOST_ENTRIES = 16_384
/** Least bytes that a value (key of one byte, value of one) and a tensor (one dimension) take. */
const LEAST_VALUE = 14
const LEAST_TENSOR = 33
const MOST_KEY = 65_535
/** ggml's GGML_MAX_NAME, less its last zero. */
const MOST_TENSOR_NAME = 63
/** ggml's GGML_MAX_DIMS. */
const MOST_DIMENSIONS = 4
const DEFAULT_ALIGNMENT = 32
/** ggml's TENSOR_ALIGNMENT: it ends the process over weights that begin elsewhere. */
const LEAST_ALIGNMENT = 32
const MOST_ALIGNMENT = 1 << 20

/**
 * Reads the header of a GGUF file by the rules of the format and of llama.cpp's reader. Everything that
 * it states is bounded by the file's real size. Throws KitError WEIGHTS_CORRUPT, which names byte and field.
 */
export function readGguf(source: ByteSource, name: string): Gguf {
  const cursor = new Cursor(source, name)
  const { version, tensors: tensorCount, values } = readCounts(cursor, source.size)
  const metadata = readMetadata(cursor, values)
  const alignment = alignmentOf(cursor, metadata)
  const tensors = readTensors(cursor, tensorCount, alignment, source.size)
  return { name, version, size: source.size, metadata, tensors }
}

function readCounts(cursor: Cursor, size: number) {
  cursor.field = 'magic'
  const magic = cursor.bytes(4).toString('latin1')
  if (magic !== 'GGUF') throw cursor.problem('"GGUF"', shown(magic), 4)
  cursor.field = 'version'
  const version = cursor.u32()
  if (version !== 2 && version !== 3) throw cursor.problem('version 2 or 3', `${version}`, 4)
  cursor.field = 'number of tensors'
  const tensors = cursor.u64(MOST_ENTRIES, 'tensors')
  cursor.field = 'number of metadata values'
  const values = cursor.u64(MOST_ENTRIES, 'metadata values')
  const least = cursor.at + tensors * LEAST_TENSOR + values * LEAST_VALUE
  if (least > size) {
    const got = `${tensors} tensors and ${values} metadata values in ${size} bytes`
    throw cursor.problem('counts that the file has room for', got, 16)
  }
  return { version, tensors, values }
}

function readMetadata(cursor: Cursor, count: number): Map<string, GgufValue> {
  const metadata = new Map<string, GgufValue>()
  for (let index = 0; index < count; index++) {
    cursor.field = `key ${index}`
    const key = readName(cursor, MOST_KEY)
    if (metadata.has(key)) throw cursor.problem('a key once', `${shown(key)} again`, key.length)
    cursor.field = shown(key)
    metadata.set(key, readValue(cursor))
  }
  return metadata
}

/** Of a key or tensor: printable ASCII, as every file in use has it, so that no message or log is misled. */
function readName(cursor: Cursor, most: number): string {
  const length = cursor.u64(most, 'bytes of a name')
  const name = cursor.bytes(length).toString('latin1')
  if (/^[\x20-\x7e]+$/.test(name)) return name
  throw cursor.problem('a name of printable ASCII characters', shown(name), length)
}

function alignmentOf(cursor: Cursor, metadata: ReadonlyMap<string, GgufValue>): number {
  const stated = metadata.get('general.alignment')
  if (stated === undefined) return DEFAULT_ALIGNMENT
  if (stated.type === 'u32') {
    const value = Number(stated.value)
    const fits = value >= LEAST_ALIGNMENT && value <= MOST_ALIGNMENT
    if (fits && Number.isInteger(Math.log2(value))) return value
  }
  cursor.field = '"general.alignment"'
  const rule = `a power of two from ${LEAST_ALIGNMENT} to ${MOST_ALIGNMENT} (u32)`
  throw cursor.problem(rule, describe(stated), cursor.at - stated.at)
}

type Stated = Omit<GgufTensor, 'at'> & { offset: number }

function readTensors(cursor: Cursor, count: number, alignment: number, size: number): GgufTensor[] {
  const names = new Set<string>()
  const stated: Stated[] = []
  // Each begins where the one before it ends, as llama.cpp wants it: none lies on another.
  let expected = 0
  for (let index = 0; index < count; index++) {
    const tensor = readTensor(cursor, index)
    if (names.has(tensor.name)) {
      throw cursor.problem('a tensor of that name once', `${shown(tensor.name)} again`)
    }
    if (tensor.offset !== expected) {
      throw cursor.problem(`an offset of ${expected}`, `${tensor.offset}`, 8)
    }
    if (tensor.offset + tensor.bytes > size) throw beyondTheEnd(cursor, tensor.bytes, size)
    names.add(tensor.name)
    stated.push(tensor)
    expected += padded(tensor.bytes, alignment)
  }
  const start = padded(cursor.at, alignment)
  return stated.map(({ offset, ...tensor }) => {
    cursor.field = `tensor ${shown(tensor.name)}`
    if (start + offset + tensor.bytes > size) throw beyondTheEnd(cursor, tensor.bytes, size)
    return { ...tensor, at: start + offset }
  })
}

const padded = (bytes: number, alignment: number) => Math.ceil(bytes / alignment) * alignment

const beyondTheEnd = (cursor: Cursor, bytes: number, size: number) =>
  cursor.problem(`${bytes} bytes of values within the file`, `a file that ends at ${size}`)

function readTensor(cursor: Cursor, index: number): Stated {
  cursor.field = `name of tensor ${index}`
  const name = readName(cursor, MOST_TENSOR_NAME)
  cursor.field = `tensor ${shown(name)}`
  const shape = readShape(cursor)
  const number = cursor.u32()
  const type = TENSOR_TYPES[number]
  if (type === undefined) throw cursor.problem("a type of llama.cpp's", `type ${number}`, 4)
  const row = shape[0] ?? 0
  if (row % type.block !== 0) {
    throw cursor.problem(`rows of whole blocks of ${type.block} (${type.name})`, `rows of ${row}`)
  }
  const values = shape.reduce((product, values) => product * values, 1)
  const bytes = (values / type.block) * type.bytes
  const offset = cursor.u64(Number.MAX_SAFE_INTEGER, 'bytes of offset')
  return { name, shape, type, bytes, offset }
}

function readShape(cursor: Cursor): number[] {
  const dimensions = cursor.u32()
  if (dimensions < 1 || dimensions > MOST_DIMENSIONS) {
    throw cursor.problem(`1 to ${MOST_DIMENSIONS} dimensions`, `${dimensions}`, 4)
  }
  const shape: number[] = []
  let product = 1
  for (let index = 0; index < dimensions; index++) {
    const values = cursor.u64(Number.MAX_SAFE_INTEGER, 'values in a dimension')
    product *= values
    if (values < 1 || product > Number.MAX_SAFE_INTEGER) {
      const got = [...shape, values].join(' x ')
      throw cursor.problem('at least one value, and at most 2^53', got, 8)
    }
    shape.push(values)
  }
  return shape
}
