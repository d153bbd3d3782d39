import { expect, test } from 'vitest'
import type { ChatMessage } from '../../server/engine/engine.ts'
import { systemPromptTokens } from '../../server/engine/system-prompt-tokens.ts'

/** One token a letter. */
const text = (given: string) => given.split('').map((letter) => letter.charCodeAt(0))
const chat = (messages: readonly ChatMessage[]) =>
  messages.flatMap(({ role, content }) => [role === 'system' ? 900 : 901, ...text(content)])
const bounds = { least: 4, most: 100 }

test('of a chat model run to where the user begins, with the template around them', () => {
  expect(systemPromptTokens('Hello', { chat, text }, bounds)).toEqual([900, ...text('Hello'), 901])
})

test('of a model without a template are the text alone', () => {
  expect(systemPromptTokens('Hello', { chat: undefined, text }, bounds)).toEqual(text('Hello'))
})

test('leave out a token that some text of a user would join with it', () => {
  // A user who begins with " b" makes another token of the mark before.
  const joining = (given: string) => text(given.replaceAll('! b', '?'))
  const tokens = systemPromptTokens('Be brief!', { chat: undefined, text: joining }, bounds)
  expect(tokens).toEqual(text('Be brief'))
})

const LONG = 'Answer in the language of the question! '.repeat(20).trim()
const long = { least: 4, most: 2000 }

test('of a long text are found without tokenizing all of it for each opening', () => {
  let letters = 0
  const counting = (messages: readonly ChatMessage[]) => {
    letters += messages.reduce((sum, { content }) => sum + content.length, 0)
    return chat(messages)
  }
  const tokens = systemPromptTokens(LONG, { chat: counting, text }, long)
  expect(tokens).toEqual([900, ...text(LONG), 901])
  expect(letters).toBeLessThan(6 * LONG.length)
})

test('of a long text leave out what a user would join, too', () => {
  const joining = (given: string) => text(given.replaceAll('! b', '?'))
  const tokens = systemPromptTokens(LONG, { chat: undefined, text: joining }, long)
  expect(tokens).toEqual(text(LONG.slice(0, -1)))
})

test('of a long text whose end alone has other tokens are those of the whole', () => {
  // In a text that begins so, what stands behind the mark has tokens that depend on all of it.
  const quoting = (given: string) => {
    const mark = given.startsWith('#') ? given.indexOf('!') : given.length
    return text(given).map((token, at) => (at < mark ? token : token + 1000 * given.length))
  }
  const given = `#${'a'.repeat(200)}!${'b'.repeat(100)}`
  const tokens = systemPromptTokens(given, { chat: undefined, text: quoting }, long)
  expect(tokens).toEqual(text(given.slice(0, 201)))
})

test('are not used when they are too short, too long or the template refuses them', () => {
  const causeOf = (given: string, tokenizers = { chat: undefined as never, text }) =>
    systemPromptTokens(given, tokenizers, bounds)
  expect(causeOf('abcd')).toHaveLength(4)
  expect(causeOf('abc')).toBe('too_short')
  expect(causeOf('a'.repeat(100))).toHaveLength(100)
  expect(causeOf('a'.repeat(101))).toBe('too_long')
  const refusing = () => {
    throw new Error('this template takes no system message')
  }
  expect(systemPromptTokens('abcdef', { chat: refusing, text }, bounds)).toBe('template_refused')
})
