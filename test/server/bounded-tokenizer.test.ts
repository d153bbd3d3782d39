import { expect, test } from 'vitest'
import { boundedTokenizer, TooManyTokens } from '../../server/engine/bounded-tokenizer.ts'
import { systemPromptTokens } from '../../server/engine/system-prompt-tokens.ts'

/** Four characters a token, of which it counts how many it was given. */
function counting() {
  const seen = { characters: 0 }
  const tokenize = (text: string) => {
    seen.characters += text.length
    return Array.from({ length: Math.ceil(text.length / 4) }, (_, at) => at)
  }
  return { seen, tokenize }
}

test('what fits is tokenized whole', () => {
  const { tokenize, seen } = counting()
  const bounded = boundedTokenizer(tokenize, 100_000)
  const text = 'abcd'.repeat(100_000)
  expect(bounded(text, true)).toEqual(tokenize(text))
  expect(seen.characters).toBeLessThan(4 * text.length)
})

test('of what does not fit no more is tokenized than four times what would', () => {
  const { tokenize, seen } = counting()
  const bounded = boundedTokenizer(tokenize, 20_000)
  expect(() => bounded('abcd'.repeat(10_000_000), true)).toThrow(TooManyTokens)
  expect(seen.characters).toBeLessThan(4 * 4 * 20_000)
})

test('a system prompt that is far too long is told as such', () => {
  const text = boundedTokenizer(counting().tokenize, 100)
  const tokenizers = { chat: undefined, text: (each: string) => text(each, true) }
  const tokens = systemPromptTokens('a'.repeat(200_000), tokenizers, { least: 16, most: 99 })
  expect(tokens).toBe('too_long')
})
