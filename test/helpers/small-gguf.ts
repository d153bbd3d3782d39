const u32 = (value: number) => {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value)
  return buffer
}
const u64 = (value: bigint) => {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(value)
  return buffer
}
const str = (text: string) =>
  Buffer.concat([u64(BigInt(Buffer.byteLength(text))), Buffer.from(text)])

/** A key, the number of its type and the bytes of its value. */
export const ggufPair = (key: string, type: number, value: Buffer) =>
  Buffer.concat([str(key), u32(type), value])
export const ggufString = str
export const ggufArray = (type: number, elements: readonly Buffer[], length = elements.length) =>
  Buffer.concat([u32(type), u64(BigInt(length)), ...elements])

export const ggufHeader = (tensors: bigint, keyValues: bigint, version = 3) =>
  Buffer.concat([Buffer.from('GGUF'), u32(version), u64(tensors), u64(keyValues)])

/** The least file that begins as GGUF does: one key-value pair and one tensor row. */
export function smallGguf(): Buffer {
  const pair = ggufPair('general.architecture', 8, str('none'))
  const tensor = Buffer.concat([str('t'), u32(1), u64(1n), u32(0), u64(0n)])
  return Buffer.concat([ggufHeader(1n, 1n), pair, tensor, Buffer.alloc(64)])
}
