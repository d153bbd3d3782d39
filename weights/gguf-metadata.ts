import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { KitError } from '../catalog/errors.ts'

/** Values of the header: scalars as they are, arrays as their length. */
export type GgufMetadata = ReadonlyMap<
  string,
  string | number | bigint | boolean | { length: number }
>

const WINDOW = 1 << 20
const HEADER_BYTES = 24
/** Longer names or strings are no model's. */
const MOST_KEY = 65_535
const MOST_STRING = 16 << 20

const STRING = 8
const ARRAY = 9
/** Bytes of GGUF's scalar types, by number; 8 is a string, 9 an array. */
const SCALAR_BYTES: Readonly<Record<number, number>> = {
  ...{ 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 },
}

/**
 * Reads what a GGUF file says of itself without loading it; elements of arrays are passed over. Every
 * length is bounded by the file. Throws KitError WEIGHTS_CORRUPT.
 */
export function readGgufMetadata(path: string): GgufMetadata {
  const file = openSync(path, 'r')
  try {
    const cursor = new Cursor(file, path)
    cursor.skip(HEADER_BYTES - 8)
    const count = cursor.length(Number.MAX_SAFE_INTEGER, 'metadata values')
    const metadata = new Map<string, string | number | bigint | boolean | { length: number }>()
    for (let index = 0; index < count; index++) {
      const key = cursor.text(MOST_KEY)
      metadata.set(key, readValue(cursor, cursor.take(4).readUInt32LE(0)))
    }
    return metadata
  } finally {
    closeSync(file)
  }
}

function readValue(cursor: Cursor, type: number) {
  if (type === STRING) return cursor.text(MOST_STRING)
  if (type !== ARRAY) return readScalar(cursor, type)
  const elements = cursor.take(4).readUInt32LE(0)
  const length = cursor.length(Number.MAX_SAFE_INTEGER, 'elements')
  if (elements === STRING) {
    for (let index = 0; index < length; index++) cursor.skip(cursor.length(MOST_STRING, 'bytes'))
  } else {
    const bytes = SCALAR_BYTES[elements]
    if (bytes === undefined) throw cursor.problem(`an array of type ${elements}`)
    cursor.skip(length * bytes)
  }
  return { length }
}

function readScalar(cursor: Cursor, type: number): number | bigint | boolean {
  const bytes = SCALAR_BYTES[type]
  if (bytes === undefined) throw cursor.problem(`a value of type ${type}`)
  const raw = cursor.take(bytes)
  if (type === 7) return raw.readUInt8(0) !== 0
  if (type === 6) return raw.readFloatLE(0)
  if (type === 12) return raw.readDoubleLE(0)
  if (type === 10) return raw.readBigUInt64LE(0)
  if (type === 11) return raw.readBigInt64LE(0)
  return type % 2 === 0 ? raw.readUIntLE(0, bytes) : raw.readIntLE(0, bytes)
}

class Cursor {
  readonly #file: number
  readonly #path: string
  readonly #size: number
  #window = Buffer.alloc(0)
  /** Position in the file of the window's first byte. */
  #start = 0
  #at = 0

  constructor(file: number, path: string) {
    this.#file = file
    this.#path = path
    this.#size = fstatSync(file).size
  }

  take(bytes: number): Buffer {
    const from = this.#hold(bytes)
    return this.#window.subarray(from, from + bytes)
  }

  skip(bytes: number): void {
    this.#require(bytes)
    this.#at += bytes
  }

  length(most: number, what: string): number {
    // Half a million of them in a big vocabulary: numbers are quicker than BigInts, exact here, and a
    // view of the window for each would take most of the time.
    const from = this.#hold(8)
    const value = this.#window.readUInt32LE(from) + this.#window.readUInt32LE(from + 4) * 2 ** 32
    if (value > most || value > this.#size) {
      throw this.problem(`${this.#window.readBigUInt64LE(from)} ${what}`)
    }
    return value
  }

  text(most: number): string {
    return this.take(this.length(most, 'bytes of text')).toString('utf8')
  }

  problem(got: string): KitError {
    return new KitError('WEIGHTS_CORRUPT', {
      path: `${this.#path}, byte ${this.#at}`,
      expected: 'GGUF metadata that fits into the file',
      got,
      fix: 'remove the file and fetch it again',
    })
  }

  /** Passes over `bytes` that the window then holds; where in it. */
  #hold(bytes: number): number {
    this.#require(bytes)
    if (this.#at + bytes > this.#start + this.#window.length) this.#fill(bytes)
    const from = this.#at - this.#start
    this.#at += bytes
    return from
  }

  #require(bytes: number): void {
    if (this.#at + bytes > this.#size) throw this.problem(`a file that ends at ${this.#size}`)
  }

  #fill(bytes: number): void {
    const window = Buffer.allocUnsafe(Math.max(bytes, WINDOW))
    const read = readSync(this.#file, window, 0, window.length, this.#at)
    this.#window = window.subarray(0, read)
    this.#start = this.#at
    if (read < bytes) throw this.problem(`a file that ends at ${this.#at + read}`)
  }
}
