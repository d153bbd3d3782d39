import type { Cursor } from './cursor.ts'
import { shown } from './problems.ts'

/** GGUF's types of values; their place is their number (ggml's gguf.h). */
const GGUF_TYPES = [
  ...(['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'f32', 'bool'] as const),
  ...(['string', 'array', 'u64', 'i64', 'f64'] as const),
] as const
export type GgufType = (typeof GGUF_TYPES)[number]
export type ScalarType = Exclude<GgufType, 'string' | 'array'>

/** `at`: byte of the file where it begins. BigInts are those of `u64` and `i64`. */
export interface GgufScalar {
  type: ScalarType
  at: number
  value: number | bigint | boolean
}
export interface GgufText {
  type: 'string'
  at: number
  value: string
}
/** Elements stay in the file: `bytes` of it from byte `at` on. */
export interface GgufArray {
  type: 'array'
  at: number
  elements: Exclude<GgufType, 'array'>
  length: number
  bytes: number
}
export type GgufValue = GgufScalar | GgufText | GgufArray

interface Layout {
  bytes: number
  read: (raw: Buffer) => GgufScalar['value']
}

const SCALARS: Readonly<Record<ScalarType, Layout>> = {
  u8: { bytes: 1, read: (raw) => raw.readUInt8() },
  i8: { bytes: 1, read: (raw) => raw.readInt8() },
  u16: { bytes: 2, read: (raw) => raw.readUInt16LE() },
  i16: { bytes: 2, read: (raw) => raw.readInt16LE() },
  u32: { bytes: 4, read: (raw) => raw.readUInt32LE() },
  i32: { bytes: 4, read: (raw) => raw.readInt32LE() },
  f32: { bytes: 4, read: (raw) => raw.readFloatLE() },
  bool: { bytes: 1, read: (raw) => raw.readUInt8() !== 0 },
  u64: { bytes: 8, read: (raw) => raw.readBigUInt64LE() },
  i64: { bytes: 8, read: (raw) => raw.readBigInt64LE() },
  f64: { bytes: 8, read: (raw) => raw.readDoubleLE() },
}

/** Reads a value: the number of its type, then itself. */
export function readValue(cursor: Cursor): GgufValue {
  const type = readType(cursor)
  if (type === 'array') return readArray(cursor)
  const { at } = cursor
  // The text begins behind its length.
  if (type === 'string') return { type, at: at + 8, value: cursor.text() }
  const { bytes, read } = SCALARS[type]
  const raw = cursor.bytes(bytes)
  if (type === 'bool' && raw[0]! > 1) throw cursor.problem('0 or 1', `${raw[0]}`, 1)
  return { type, at, value: read(raw) }
}

function readType(cursor: Cursor): GgufType {
  const number = cursor.u32()
  const type = GGUF_TYPES[number]
  if (type === undefined) throw cursor.problem('a type of GGUF (0 to 12)', `type ${number}`, 4)
  return type
}

function readArray(cursor: Cursor): GgufArray {
  const elements = readType(cursor)
  if (elements === 'array') {
    throw cursor.problem('an array of scalars or texts', 'an array of arrays', 4)
  }
  const length = cursor.u64(Number.MAX_SAFE_INTEGER, 'elements')
  const { at } = cursor
  if (elements === 'string') cursor.skipTexts(length)
  else cursor.skip(length * SCALARS[elements].bytes)
  return { type: 'array', at, elements, length, bytes: cursor.at - at }
}

/** A value out of a file, as a message shows it. */
export function describe(value: GgufValue | undefined): string {
  if (value === undefined) return 'none'
  if (value.type === 'string') return shown(value.value)
  if (value.type === 'array') return `an array of ${value.length} ${value.elements}`
  return `${String(value.value)} (${value.type})`
}
