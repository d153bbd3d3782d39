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
const str = (text: string) => Buffer.concat([u64(BigInt(text.length)), Buffer.from(text)])

export const ggufHeader = (tensors: bigint, keyValues: bigint, version = 3) =>
  Buffer.concat([Buffer.from('GGUF'), u32(version), u64(tensors), u64(keyValues)])

/** The least file that begins as GGUF does: one key-value pair and one tensor row. */
export function smallGguf(): Buffer {
  const pair = Buffer.concat([str('general.architecture'), u32(8), str('none')])
  const tensor = Buffer.concat([str('t'), u32(1), u64(1n), u32(0), u64(0n)])
  return Buffer.concat([ggufHeader(1n, 1n), pair, tensor, Buffer.alloc(64)])
}
