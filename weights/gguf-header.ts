import { open, stat } from 'node:fs/promises'
import { KitError } from '../catalog/errors.ts'

const HEADER_BYTES = 24
/** Least bytes that a key-value pair (empty key, one-byte value) and a tensor row take in the file. */
const LEAST_KV_BYTES = 13
const LEAST_TENSOR_BYTES = 24

export interface GgufHeader {
  version: number
  tensors: number
  keyValues: number
}

/**
 * Says what is wrong with the first bytes of a GGUF file, or undefined. Counts are bounded by the
 * file's size: a crafted count of 2^60 hangs readers that trust it.
 */
export function ggufHeaderProblem(head: Buffer, fileBytes: number): string | undefined {
  if (head.length < HEADER_BYTES) return `a file of ${fileBytes} bytes`
  if (head.toString('latin1', 0, 4) !== 'GGUF') return 'a file that does not begin with "GGUF"'
  const version = head.readUInt32LE(4)
  if (version !== 2 && version !== 3) return `GGUF version ${version}`
  const tensors = head.readBigUInt64LE(8)
  const keyValues = head.readBigUInt64LE(16)
  if (tensors < 1n || keyValues < 1n) return `${tensors} tensors and ${keyValues} metadata values`
  const least = tensors * BigInt(LEAST_TENSOR_BYTES) + keyValues * BigInt(LEAST_KV_BYTES)
  if (least > BigInt(fileBytes)) {
    return `counts (${tensors} tensors, ${keyValues} metadata values) that cannot fit into ${fileBytes} bytes`
  }
  return undefined
}

/** Throws KitError WEIGHTS_CORRUPT unless the file begins as a GGUF file that could be loaded. */
export async function checkGgufHeader(path: string): Promise<GgufHeader> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const head = Buffer.alloc(HEADER_BYTES)
    const { bytesRead } = await file.read(head, 0, HEADER_BYTES, 0)
    const problem = ggufHeaderProblem(head.subarray(0, bytesRead), size)
    if (problem !== undefined) {
      throw new KitError('WEIGHTS_CORRUPT', {
        path,
        expected: 'a GGUF file of version 2 or 3',
        got: problem,
        fix: 'remove the file and fetch it again',
      })
    }
    return {
      version: head.readUInt32LE(4),
      tensors: Number(head.readBigUInt64LE(8)),
      keyValues: Number(head.readBigUInt64LE(16)),
    }
  } finally {
    await file.close()
  }
}

/**
 * What may be checked in no time before a file is loaded: it is there, has its size and begins as GGUF.
 * Its digest was checked when it was imported. Throws KitError WEIGHTS_UNAVAILABLE or WEIGHTS_CORRUPT.
 */
export async function checkBeforeLoad(path: string, bytes: number | undefined): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined || (bytes !== undefined && found.size !== bytes)) {
    throw new KitError(found === undefined ? 'WEIGHTS_UNAVAILABLE' : 'WEIGHTS_CORRUPT', {
      path,
      expected: bytes === undefined ? 'a file' : `a file of ${bytes} bytes`,
      got: found === undefined ? 'none' : `${found.size} bytes`,
      fix: 'let the weights be imported again',
    })
  }
  await checkGgufHeader(path)
}
