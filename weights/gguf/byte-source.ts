import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** The bytes of a file, wherever they are. */
export interface ByteSource {
  /** Of the whole file, bytes: the bound of every length that it states. */
  readonly size: number
  /** Fills `target` with what lies from `at` on. Returns how many bytes those were: fewer where there are no more. */
  read(at: number, target: Uint8Array): number
}

/** A whole file in memory, or its beginning where `size` says so. */
export const inMemory = (held: Buffer, size = held.length): ByteSource => ({
  size,
  read: (at, target) => (at < held.length ? held.copy(target, 0, at) : 0),
})

/** Opens a file for as long as `work` lasts. Its size is that of the file now, whatever it says of itself. */
export function withFile<T>(path: string, work: (source: ByteSource) => T): T {
  const file = openSync(path, 'r')
  try {
    return work({
      size: fstatSync(file).size,
      read: (at, target) => readSync(file, target, 0, target.length, at),
    })
  } finally {
    closeSync(file)
  }
}

/** `bytes` from `at` on, or as many as there are. */
export function bytesOf(source: ByteSource, at: number, bytes: number): Buffer {
  const held = Buffer.allocUnsafe(bytes)
  return held.subarray(0, source.read(at, held))
}
