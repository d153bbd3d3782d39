/** Small GGUF files, part by part: sound ones, and such as no tool would write. */

const buffer = (bytes: number, write: (buffer: Buffer) => void) => {
  const filled = Buffer.alloc(bytes)
  write(filled)
  return filled
}
export const u32 = (value: number) => buffer(4, (bytes) => bytes.writeUInt32LE(value))
export const i32 = (value: number) => buffer(4, (bytes) => bytes.writeInt32LE(value))
export const f32 = (value: number) => buffer(4, (bytes) => bytes.writeFloatLE(value))
export const u64 = (value: number | bigint) =>
  buffer(8, (bytes) => bytes.writeBigUInt64LE(BigInt(value)))
/** A text as GGUF has it: its length, then its bytes. */
export const ggufText = (text: string | Buffer) =>
  Buffer.concat([u64(Buffer.byteLength(text)), Buffer.from(text)])

/** GGUF's numbers of types. */
export const TYPES = {
  ...{ u8: 0, i8: 1, u16: 2, i16: 3, u32: 4, i32: 5, f32: 6, bool: 7 },
  ...{ string: 8, array: 9, u64: 10, i64: 11, f64: 12 },
} as const

export interface Pair {
  key: string
  /** Of the value, as the file says. */
  type: number
  value: Buffer
}
export interface Tensor {
  name: string
  /** The row first. */
  shape: readonly (number | bigint)[]
  /** ggml's number. */
  type: number
  /** Of its values; absent: of F32. */
  bytes?: number
}

export const number = (key: string, value: number): Pair => ({
  ...{ key, type: TYPES.u32, value: u32(value) },
})
export const fraction = (key: string, value: number): Pair => ({
  ...{ key, type: TYPES.f32, value: f32(value) },
})
export const text = (key: string, value: string | Buffer): Pair => ({
  ...{ key, type: TYPES.string, value: ggufText(value) },
})
export const flag = (key: string, value: boolean): Pair => ({
  ...{ key, type: TYPES.bool, value: Buffer.of(value ? 1 : 0) },
})
/** `length`: what the file says of it. */
export const array = (
  key: string,
  elements: number,
  values: readonly Buffer[],
  length: number | bigint = values.length,
): Pair => ({
  ...{ key, type: TYPES.array, value: Buffer.concat([u32(elements), u64(length), ...values]) },
})
export const texts = (key: string, values: readonly (string | Buffer)[]): Pair =>
  array(key, TYPES.string, values.map(ggufText))

export const ggufHeader = (tensors: number | bigint, pairs: number | bigint, version = 3) =>
  Buffer.concat([Buffer.from('GGUF'), u32(version), u64(tensors), u64(pairs)])

export const pairBytes = ({ key, type, value }: Pair) =>
  Buffer.concat([ggufText(key), u32(type), value])

export const tensorBytes = ({ name, shape, type }: Tensor, offset: number | bigint) =>
  Buffer.concat([ggufText(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset)])

export const valueBytes = ({ shape, bytes }: Tensor) =>
  bytes ?? shape.reduce<number>((product, values) => product * Number(values), 4)

export interface GgufParts {
  pairs: readonly Pair[]
  tensors: readonly Tensor[]
  version?: number
  alignment?: number
}

/** The header with its padding, and how long the whole file is. Offsets are those that a tool would write. */
export function ggufOf({ pairs, tensors, version, alignment = 32 }: GgufParts) {
  const padded = (bytes: number) => Math.ceil(bytes / alignment) * alignment
  let offset = 0
  const infos = tensors.map((tensor) => {
    const info = tensorBytes(tensor, offset)
    offset += padded(valueBytes(tensor))
    return info
  })
  const header = Buffer.concat([
    ggufHeader(tensors.length, pairs.length, version),
    ...pairs.map(pairBytes),
    ...infos,
  ])
  const rest = tensors.length === 0 ? 0 : padded(header.length) - header.length
  return {
    header: Buffer.concat([header, Buffer.alloc(rest)]),
    size: header.length + rest + offset,
  }
}

/** A whole file, whose values are noise of some thousandths: a model of it says something. */
export function ggufFile(parts: GgufParts): Buffer {
  const { header, size } = ggufOf(parts)
  return withValues(header, size)
}

/** `header` and values up to `size`. */
export function withValues(header: Buffer, size: number): Buffer {
  const file = Buffer.alloc(Math.max(size, header.length))
  header.copy(file)
  let noise = 1
  for (let at = header.length; at + 4 <= file.length; at += 4) {
    noise = (Math.imul(noise, 1_103_515_245) + 12_345) >>> 0
    // Small as F32, and as F16, BF16 or the scale of a block no infinity either.
    file.writeInt32LE((noise & 0x807f_0fff) | 0x3c00_2000, at)
  }
  return file
}
