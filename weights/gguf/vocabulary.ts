import type { KitError } from '../../catalog/errors.ts'
import { bytesOf } from './byte-source.ts'
import type { ByteSource } from './byte-source.ts'
import { charsmapProblem } from './charsmap.ts'
import { notServable, shown } from './problems.ts'
import type { Gguf } from './read-gguf.ts'
import { unreadableByte } from './rwkv-tokens.ts'
import { TokenTexts } from './token-texts.ts'
import { arrayOf, numbersOf, textOf, u32Of, wrongValue } from './typed-values.ts'
import { describe } from './values.ts'
import type { GgufArray } from './values.ts'

const KEY = 'tokenizer.ggml'
const TOKENS = `${KEY}.tokens`
const SCORES = `${KEY}.scores`
const TOKEN_TYPES = `${KEY}.token_type`
const MERGES = `${KEY}.merges`
const UNKNOWN = `${KEY}.unknown_token_id`
const CHARSMAP = `${KEY}.precompiled_charsmap`

/** Four times the biggest vocabularies. */
const MOST_TOKENS = (1 << 20) - 1
/** llama.cpp walks through a token's bytes by calls within calls. */
const MOST_TOKEN_BYTES = 4096
/** llama.cpp's LLAMA_TOKEN_TYPE_BYTE. */
const BYTE = 6

type Kind = 'sentencePieces' | 'wordPieces' | 'bytePairs' | 'unigrams' | 'rwkv' | 'plamo'
/** llama.cpp's kinds of tokenizers by the names that files give them (llama-vocab.cpp). */
const KINDS: Readonly<Record<string, Kind>> = {
  llama: 'sentencePieces',
  bert: 'wordPieces',
  ...{ gpt2: 'bytePairs', hybriddna: 'bytePairs', whitespace: 'bytePairs', gemma4: 'bytePairs' },
  t5: 'unigrams',
  rwkv: 'rwkv',
  plamo2: 'plamo',
}
const NONE = ['none', 'no_vocab']
/** Of kinds that need a token for what they do not know: the one of llama.cpp's where a file names none. */
const DEFAULT_UNKNOWN: Readonly<Partial<Record<Kind, number>>> = { wordPieces: 100, unigrams: 2 }
/** The one pre-tokenizer whose byte pairs need no merges. */
const WITHOUT_MERGES = 'kimi-k2'

/**
 * The rules that llama.cpp trusts a file's tokenizer to keep, or aborts over when it loads it or when a
 * client writes the right text. Throws KitError WEIGHTS_CORRUPT, or WEIGHTS_NOT_SERVABLE where there is none.
 */
export function checkVocabulary(gguf: Gguf, source: ByteSource): void {
  const kind = kindOf(gguf)
  const tokens = arrayOf(gguf, TOKENS, ['string'])
  if (tokens === undefined) throw noTokenizer(gguf, TOKENS, 'none')
  if (tokens.length < 1 || tokens.length > MOST_TOKENS) {
    throw wrongValue(gguf, TOKENS, `1 to ${MOST_TOKENS} tokens`)
  }
  checkScores(gguf, source, tokens)
  checkTexts(gguf)
  if (kind === 'bytePairs') checkMerges(gguf)
  if (kind === 'unigrams') checkCharsmap(gguf, source)
  const texts = checkTokens(gguf, source, tokens)
  checkByteTokens(gguf, source, kind, tokens, texts)
}

function kindOf(gguf: Gguf): Kind {
  const model = textOf(gguf, `${KEY}.model`)
  if (model === undefined || NONE.includes(model)) {
    throw noTokenizer(gguf, `${KEY}.model`, model === undefined ? 'none' : shown(model))
  }
  if (Object.hasOwn(KINDS, model)) return KINDS[model]!
  throw noTokenizer(gguf, `${KEY}.model`, shown(model))
}

const noTokenizer = (gguf: Gguf, key: string, got: string) =>
  notServable(gguf.name, `"${key}"`, "a tokenizer of llama.cpp's", got)

/** A queue that orders by them goes wrong where one is not a number. */
function checkScores(gguf: Gguf, source: ByteSource, tokens: GgufArray): void {
  const scores = onePerToken(gguf, SCORES, ['f32', 'i32'], tokens)
  if (scores?.elements !== 'f32') return
  for (const { from, numbers } of numbersOf(source, scores, Float32Array)) {
    if (!numbers.includes(NaN)) continue
    const token = from + numbers.findIndex(Number.isNaN)
    throw wrongValue(gguf, SCORES, 'numbers', `NaN for token ${token}`)
  }
}

/** An array that is read by pointer: of another type or shorter, what is not its own would be read. */
function onePerToken(
  gguf: Gguf,
  key: string,
  elements: readonly GgufArray['elements'][],
  tokens: GgufArray,
): GgufArray | undefined {
  const array = arrayOf(gguf, key, elements)
  if (array === undefined || array.length >= tokens.length) return array
  throw wrongValue(gguf, key, `one for each of ${tokens.length} tokens`)
}

function checkTexts(gguf: Gguf): void {
  textOf(gguf, `${KEY}.pre`)
  textOf(gguf, 'tokenizer.chat_template')
  arrayOf(gguf, `${KEY}.suppress_tokens`, ['i32'])
}

function checkMerges(gguf: Gguf): void {
  const merges = arrayOf(gguf, MERGES, ['string'])
  if (merges === undefined && textOf(gguf, `${KEY}.pre`) !== WITHOUT_MERGES) {
    throw wrongValue(gguf, MERGES, 'the merges of byte pairs')
  }
}

function checkCharsmap(gguf: Gguf, source: ByteSource): void {
  const map = arrayOf(gguf, CHARSMAP, ['u8', 'i8'])
  if (map === undefined) return
  const problem = charsmapProblem(bytesOf(source, map.at, map.bytes))
  if (problem !== undefined) throw wrongValue(gguf, CHARSMAP, problem.expected, problem.got)
}

/** Each token once, by its text as llama.cpp sees it: it ends the process over one that is there twice. */
function checkTokens(gguf: Gguf, source: ByteSource, { at, length, bytes }: GgufArray): TokenTexts {
  const texts = new TokenTexts(bytesOf(source, at, bytes), length, MOST_TOKEN_BYTES)
  const { tooLong, twice, empty } = texts
  if (tooLong !== undefined) {
    throw wrongToken(gguf, tooLong, texts, `at most ${MOST_TOKEN_BYTES} bytes`)
  }
  if (twice !== undefined) {
    throw wrongToken(gguf, twice.token, texts, `a text that token ${twice.before} has not`)
  }
  // llama.cpp calls token 7 so if it has no text.
  const named = empty.find((token) => texts.has(Buffer.from(`[EMPTY_${token}]`)))
  if (named !== undefined) {
    throw wrongToken(gguf, named, texts, `a text, as another is "[EMPTY_${named}]"`)
  }
  return texts
}

const textAt = (texts: TokenTexts, token: number) => Buffer.from(texts.at(token)).toString('latin1')

function checkByteTokens(
  gguf: Gguf,
  source: ByteSource,
  kind: Kind,
  tokens: GgufArray,
  texts: TokenTexts,
): void {
  const types = onePerToken(gguf, TOKEN_TYPES, ['i32'], tokens)
  if (types !== undefined) {
    for (const token of byteTokens(source, types, tokens.length)) {
      // It has no code for the bytes of word pieces, and ends the process.
      if (kind === 'wordPieces') throw wrongToken(gguf, token, texts, 'no byte token')
      if (!BYTE_NAME.test(textAt(texts, token))) {
        throw wrongToken(gguf, token, texts, 'a byte token, "<0x00>" to "<0xFF>"')
      }
    }
  }
  if (kind === 'sentencePieces') checkBytes(gguf, texts)
  const unknown = unknownToken(gguf, kind, tokens.length)
  if (kind === 'rwkv') {
    const byte = unreadableByte(texts, unknown !== undefined)
    if (byte !== undefined) throw noToken(gguf, byte)
  } else if (kind in DEFAULT_UNKNOWN && unknown === undefined) {
    const got = describe(gguf.metadata.get(UNKNOWN))
    throw notServable(gguf.name, `"${UNKNOWN}"`, 'a token for what it does not know', got)
  }
}

/** What stands for a text that has no token; llama.cpp passes over one that is no token. */
function unknownToken(gguf: Gguf, kind: Kind, count: number): number | undefined {
  const candidates = [u32Of(gguf, UNKNOWN), DEFAULT_UNKNOWN[kind]]
  return candidates.find((token) => token !== undefined && token < count)
}

function byteTokens(source: ByteSource, types: GgufArray, count: number): number[] {
  const found: number[] = []
  for (const { from, numbers } of numbersOf(source, types, Int32Array)) {
    for (let at = numbers.indexOf(BYTE); at >= 0; at = numbers.indexOf(BYTE, at + 1)) {
      found.push(from + at)
    }
  }
  return found.filter((token) => token < count)
}

const BYTE_NAME = /^<0x[0-9A-Fa-f]{2}>$/

/** What is no piece is written byte by byte; a byte without a token ends the process when a client writes it. */
function checkBytes(gguf: Gguf, texts: TokenTexts): void {
  for (let byte = 0; byte < 256; byte++) {
    const hex = byte.toString(16).toUpperCase().padStart(2, '0')
    const isThere = texts.has(Buffer.from(`<0x${hex}>`)) || texts.has(Buffer.of(byte))
    if (!isThere) throw noToken(gguf, byte)
  }
}

const noToken = (gguf: Gguf, byte: number) =>
  notServable(gguf.name, `"${TOKENS}"`, 'a token for each byte', `none for ${byte}`)

function wrongToken(gguf: Gguf, token: number, texts: TokenTexts, expected: string): KitError {
  const got = shown(Buffer.from(texts.at(token)).toString('utf8'))
  return wrongValue(gguf, TOKENS, expected, `${got} as token ${token}`)
}
