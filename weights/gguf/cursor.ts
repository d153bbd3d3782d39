import type { KitError } from '../../catalog/errors.ts'
import type { ByteSource } from './byte-source.ts'
import { corrupt } from './problems.ts'

/** Read at once, into the same memory again: fresh memory takes longer than what is read into it. */
const WINDOW = 1 << 18
/** No model's text is longer; so much is held in memory at most. */
const MOST_TEXT = 10_000_000
/** Several times what the biggest vocabularies take: what is longer would only keep a reader busy. */
const MOST_HEADER = 64 << 20

/**
 * Walks through the header of a GGUF file; nothing is taken that the file does not hold. Every problem
 * names the byte and the `field` that was being read.
 */
export class Cursor {
  /** For messages. Set before each read. */
  field = 'header'
  readonly #source: ByteSource
  readonly #name: string
  #memory: Buffer
  /** What was read last. */
  #window: DataView
  /** Position in the file of the window's first byte. */
  #start = 0
  #at = 0

  constructor(source: ByteSource, name: string) {
    this.#source = source
    this.#name = name
    this.#memory = Buffer.allocUnsafe(Math.min(WINDOW, source.size))
    this.#window = viewOf(this.#memory, 0)
  }

  get at(): number {
    return this.#at
  }

  /** Good until the next read. */
  bytes(count: number): Buffer {
    const from = this.#hold(count)
    return this.#memory.subarray(from, from + count)
  }

  skip(count: number): void {
    this.#require(count)
    this.#at += count
  }

  u32(): number {
    // The window may be another one after this.
    const from = this.#hold(4)
    return this.#window.getUint32(from, true)
  }

  /** A count or length of 64 bits. Beyond `most` it is a problem, told as `what`. */
  u64(most: number, what: string): number {
    const from = this.#hold(8)
    // Two numbers are quicker than a BigInt.
    const value =
      this.#window.getUint32(from, true) + this.#window.getUint32(from + 4, true) * 2 ** 32
    if (value <= most) return value
    throw this.problem(`at most ${most} ${what}`, `${this.#window.getBigUint64(from, true)}`, 8)
  }

  text(): string {
    return this.bytes(this.u64(MOST_TEXT, 'bytes of text')).toString('utf8')
  }

  /** Passes over so many texts, one behind the other. */
  skipTexts(count: number): void {
    for (let left = count; left > 0; left--) {
      left -= this.#skipHeldTexts(left)
      if (left > 0) this.skip(this.u64(MOST_TEXT, 'bytes of text'))
    }
  }

  /** `back`: bytes since what is wrong began. */
  problem(expected: string, got: string, back = 0): KitError {
    return corrupt(this.#name, `byte ${this.#at - back}, ${this.field}`, expected, got)
  }

  /** Of `most` texts, those that the window holds whole; a big vocabulary has half a million of them. */
  #skipHeldTexts(most: number): number {
    const window = this.#window
    const end = window.byteLength
    let at = this.#at - this.#start
    let count = 0
    while (count < most && at + 8 <= end) {
      const next = at + 8 + window.getUint32(at, true)
      if (next > end || window.getUint32(at + 4, true) !== 0) break
      at = next
      count++
    }
    if (count > 0) this.#at = this.#start + at
    return count
  }

  /** Passes over `count` bytes that the window then holds; where in it they begin. */
  #hold(count: number): number {
    this.#require(count)
    if (this.#at + count > this.#start + this.#window.byteLength) this.#fill(count)
    const from = this.#at - this.#start
    this.#at += count
    return from
  }

  #require(count: number): void {
    const left = this.#source.size - this.#at
    if (count > left) throw this.problem(`${count} bytes more`, `${left}: the file ends`)
    if (this.#at + count > MOST_HEADER) {
      throw this.problem(`a header of at most ${MOST_HEADER} bytes`, `${this.#at + count}`)
    }
  }

  #fill(count: number): void {
    if (count > this.#memory.length) this.#memory = Buffer.allocUnsafe(count)
    const read = this.#source.read(this.#at, this.#memory)
    this.#window = viewOf(this.#memory, read)
    this.#start = this.#at
    if (read < count) throw this.problem(`${count} bytes more`, `${read}: they cannot be read`)
  }
}

const viewOf = ({ buffer, byteOffset }: Buffer, length: number) =>
  new DataView(buffer, byteOffset, length)
