import type { TokenTexts } from './token-texts.ts'

const ESCAPES: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13 }

/**
 * A byte that is no token of an RWKV vocabulary. If some token begins with it, llama.cpp reads it for ever, and
 * takes memory for each time: when it loads the file, if the byte is a line's end. If none does, the token for
 * what is unknown stands for it, if there is one.
 */
export function unreadableByte(texts: TokenTexts, hasUnknown: boolean): number | undefined {
  const begins = new Uint8Array(256)
  const whole = new Uint8Array(256)
  for (let token = 0; token < texts.count; token++) {
    const bytes = unescaped(texts.at(token))
    if (bytes.length > 0) begins[bytes[0]!] = 1
    if (bytes.length === 1) whole[bytes[0]!] = 1
  }
  const byte = whole.findIndex((is, at) => is === 0 && (begins[at] === 1 || !hasUnknown))
  return byte < 0 ? undefined : byte
}

/** The first two bytes of what llama.cpp's `llama_unescape_rwkv_token` makes of a text. */
function unescaped(text: Uint8Array): number[] {
  const bytes: number[] = []
  for (let at = 0; at < text.length && bytes.length < 2; at++) {
    const byte = text[at]!
    if (byte !== BACKSLASH) {
      bytes.push(byte)
      continue
    }
    const letter = text[++at]
    if (letter === undefined) break
    if (letter !== LETTER_X) {
      bytes.push(ESCAPES[String.fromCharCode(letter)] ?? letter)
      continue
    }
    const [high, low] = [text[++at], text[++at]]
    if (high === undefined || low === undefined) break
    bytes.push(((digit(high) << 4) + digit(low)) & 0xff)
  }
  return bytes
}

const BACKSLASH = 0x5c
const LETTER_X = 0x78
const LETTER_A = 0x61

const digit = (letter: number) => (letter >= LETTER_A ? letter - LETTER_A + 10 : letter - 0x30)
