/**
 * JSON that is well formed and that two readers may still take for two things: the one that checks and the
 * one that acts. Pure.
 */
import { HTTP_LIMITS } from './http-limits.ts'

export interface Doubt {
  expected: string
  /** Names places, never what a client wrote. */
  got: string
  fix: string
}

/** What is doubtful about a text that was parsed to `value`. */
export function doubtOf(text: string, value: unknown): Doubt | undefined {
  const doubt = structureDoubt(text)
  if (doubt !== undefined || !SURROGATE_ESCAPE.test(text) || isWellFormed(value)) return doubt
  return {
    expected: 'text that UTF-8 can hold',
    got: 'half of a surrogate pair (\\ud800 to \\udfff)',
    fix: 'send both halves, or neither',
  }
}

const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/
const [QUOTE, COLON, BACKSLASH] = [0x22, 0x3a, 0x5c]
const [LIST, LIST_END, OBJECT, OBJECT_END] = [0x5b, 0x5d, 0x7b, 0x7d]
const LAST_SPACE = 0x20

/** Looks at brackets and keys alone. */
function structureDoubt(text: string): Doubt | undefined {
  /** Keys of each object that is open here; of a list none. */
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfString(text, at)
      if (codeAfter(text, end) === COLON) {
        const doubt = keyDoubt(text.slice(at, end + 1), open.at(-1), at)
        if (doubt !== undefined) return doubt
      }
      at = end
    } else if (code === OBJECT || code === LIST) {
      if (open.push(code === OBJECT ? new Set() : undefined) > HTTP_LIMITS.jsonDepth)
        return TOO_DEEP
    } else if (code === OBJECT_END || code === LIST_END) open.pop()
  }
  return undefined
}

const TOO_DEEP: Doubt = {
  expected: `at most ${HTTP_LIMITS.jsonDepth} lists and objects within each other`,
  got: 'more',
  fix: 'nest less',
}

function keyDoubt(quoted: string, keys: Set<string> | undefined, at: number): Doubt | undefined {
  const key = quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1)
  const [got, fix] = [`another one at character ${at}`, 'send it once']
  if (keys?.has(key)) return { expected: 'each key of an object once', got, fix }
  keys?.add(key)
  if (key !== '__proto__') return undefined
  return { expected: 'no key "__proto__"', got: `one at character ${at}`, fix: 'leave it out' }
}

/** Index of the quote that ends the string which begins at `from`. */
function endOfString(text: string, from: number): number {
  let end = text.indexOf('"', from + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

function isEscaped(text: string, at: number): boolean {
  let before = at
  while (text.charCodeAt(before - 1) === BACKSLASH) before--
  return (at - before) % 2 === 1
}

/** The first character behind `at` that is no space. */
function codeAfter(text: string, at: number): number {
  let next = at + 1
  while (text.charCodeAt(next) <= LAST_SPACE) next++
  return text.charCodeAt(next)
}

/** Of a value that is not nested deeper than is allowed. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, each]) => key.isWellFormed() && isWellFormed(each))
}
