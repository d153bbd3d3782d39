import { randomInt } from 'node:crypto'

/** Nobody can make texts that all get one place: these are known to nobody, and others in each process. */
const START = randomInt(2 ** 32) | 0
const FACTOR = (randomInt(2 ** 32) | 1) & -1
/** Of a place: a token's number, and one; and bits of the hash, so that few texts have to be compared. */
const NUMBER = (1 << 20) - 1
const TAG = ~NUMBER
/** The place of each such token is kept, and the others are found from there. */
const MARK = 64

/** A token with the text of one before it. */
export interface Twice {
  token: number
  before: number
}

/**
 * The texts of a vocabulary, by number and by text. A set of strings would do the same in several times the time,
 * which a start feels with a quarter of a million tokens; so does memory that is touched for the first time.
 */
export class TokenTexts {
  readonly count: number
  /** Those without a text, to llama.cpp. */
  readonly empty: number[] = []
  /** The first token with a text that one before it has; those behind it cannot be found. */
  readonly twice: Twice | undefined
  /** The first token of more than `mostBytes`; those behind it are not there. */
  readonly tooLong: number | undefined
  /** Of the array in the file: lengths of 64 bits, each with its text behind it. */
  readonly #bytes: Uint8Array
  readonly #marks: Int32Array
  readonly #places: Int32Array

  /** `bytes`: an array of `count` texts, fewer than 2^20, as the file has them. */
  constructor(bytes: Uint8Array, count: number, mostBytes: number) {
    this.count = count
    this.#bytes = bytes
    this.#marks = new Int32Array(Math.ceil(count / MARK))
    this.#places = new Int32Array(2 ** Math.ceil(Math.log2(2 * count)))
    const hashes = new Int32Array(count)
    this.tooLong = this.#hash(hashes, mostBytes)
    if (this.tooLong === undefined) this.twice = this.#place(hashes)
  }

  has(text: Uint8Array): boolean {
    if (text.length === 0) return false
    const hash = hashOf(text, 0, text.length)
    const mask = this.#places.length - 1
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const held = this.#places[place]!
      if (held === 0) return false
      if (((held ^ hash) & TAG) === 0 && this.#is((held & NUMBER) - 1, text)) return true
    }
  }

  /** The bytes of a text, up to its first zero: where llama.cpp ends it. */
  at(token: number): Uint8Array {
    let at = this.#marks[Math.floor(token / MARK)]!
    for (let more = token % MARK; more > 0; more--) at += 8 + lengthAt(this.#bytes, at)
    const whole = this.#bytes.subarray(at + 8, at + 8 + lengthAt(this.#bytes, at))
    const end = whole.indexOf(0)
    return end < 0 ? whole : whole.subarray(0, end)
  }

  /** Each loop runs once, mostly before it is compiled: short ones are the quickest. */
  #hash(hashes: Int32Array, mostBytes: number): number | undefined {
    const bytes = this.#bytes
    for (let token = 0, at = 0; token < hashes.length; token++) {
      if (token % MARK === 0) this.#marks[token / MARK] = at
      const start = at + 8
      at = start + lengthAt(bytes, at)
      if (at - start > mostBytes) return token
      if (at === start || bytes[start] === 0) this.empty.push(token)
      hashes[token] = hashOf(bytes, start, at)
    }
    return undefined
  }

  #place(hashes: Int32Array): Twice | undefined {
    const places = this.#places
    const mask = places.length - 1
    for (let token = 0; token < hashes.length; token++) {
      const hash = hashes[token]!
      let place = hash & mask
      for (let held = places[place]!; held !== 0; held = places[place]!) {
        if (((held ^ hash) & TAG) === 0) {
          const before = (held & NUMBER) - 1
          const text = this.at(token)
          if (text.length > 0 && this.#is(before, text)) return { token, before }
        }
        place = (place + 1) & mask
      }
      places[place] = (token + 1) | (hash & TAG)
    }
    return undefined
  }

  #is(token: number, text: Uint8Array): boolean {
    const own = this.at(token)
    return own.length === text.length && own.every((byte, at) => byte === text[at])
  }
}

/** Up to the first zero. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = START
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (byte === 0) break
    hash = Math.imul(hash ^ byte, FACTOR)
    hash ^= hash >>> 15
  }
  return hash
}

/** The lower half of a length; the upper one is 0, as the array was read before. */
const lengthAt = (bytes: Uint8Array, at: number) =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
