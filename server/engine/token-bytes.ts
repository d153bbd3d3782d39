/** llama.cpp's kinds of vocabulary (`llama_vocab_type`) that write bytes in a way of their own. */
const SENTENCE_PIECE = 1
const BYTE_PAIRS = 2
const UNIGRAM = 4

const SPACE = '\u2581'

/**
 * Bytes of byte-level vocabularies stand as one character each: printable ones of Latin-1 as they are,
 * the others moved beyond U+0100, in their order (as GPT-2's tokenizer has it).
 */
const BYTE_OF: ReadonlyMap<string, number> = byteLevel()

function byteLevel(): Map<string, number> {
  const isItself = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
  const bytes = new Map<string, number>()
  let moved = 0
  for (let byte = 0; byte < 256; byte++) {
    bytes.set(String.fromCodePoint(isItself(byte) ? byte : 0x100 + moved++), byte)
  }
  return bytes
}

/** The bytes of a token that its vocabulary writes as `written`; undefined: it is no text. */
export function tokenBytes(kind: number, written: string): readonly number[] | undefined {
  const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(written)
  if (byte !== null && kind !== BYTE_PAIRS) return [Number.parseInt(byte[1] ?? '', 16)]
  if (kind === SENTENCE_PIECE || kind === UNIGRAM) {
    return Array.from(Buffer.from(written.replaceAll(SPACE, ' ')))
  }
  if (kind !== BYTE_PAIRS) return undefined
  const bytes = Array.from(written, (character) => BYTE_OF.get(character))
  return bytes.every((each) => each !== undefined) ? bytes : Array.from(Buffer.from(written))
}
