import { Template } from '@huggingface/jinja'
import { describe, expect, test } from 'vitest'
import type { ChatMessage } from '../../server/engine/engine.ts'
import type { NativeModel } from '../../server/engine/native.ts'
import { tokenizersOf, tokensFor } from '../../server/engine/tokenizers.ts'
import { Vocabulary } from '../../server/engine/vocabulary.ts'
import { fixOf } from '../../server/engine/warning-fixes.ts'
import type { EngineWarning } from '../../server/engine/warning.ts'

/** A character is a token. */
const tokensOf = (text: string) => [...text].map((char) => char.codePointAt(0) ?? 0)
const SIZE = 256
const model = {
  tokenBos: () => -1,
  tokenEos: () => -1,
  shouldPrependBosToken: () => false,
  isEogToken: () => false,
  getTokenAttributes: () => 0,
  getTokenString: () => '',
  detokenize: (tokens: Uint32Array) => String.fromCodePoint(...tokens),
  tokenize: (text: string) => Uint32Array.from(tokensOf(text)),
} as unknown as NativeModel

/** A model with this template, what is warned of it, and what it answers. */
function serving(chatTemplate: string | undefined) {
  const warnings: EngineWarning[] = []
  const compileTemplate = (text: string) => new Template(text)
  const loaded = { chatTemplate, vocabulary: new Vocabulary(model, SIZE), compileTemplate }
  const options = { file: '/models/m.gguf', contextSize: 100 }
  const tokenizers = tokenizersOf(loaded, options, (warning) => warnings.push(warning))
  const messages: ChatMessage[] = [{ role: 'user', content: 'hi' }]
  return {
    warnings,
    chat: (asked = messages) =>
      tokensFor(
        { kind: 'tokenizeChat', id: 7, chat: { messages: asked, tools: [], variables: {} } },
        tokenizers,
      ),
    complete: (prompt: string | number[], withStart = true) =>
      tokensFor({ kind: 'tokenizePrompt', id: 7, prompt, withStart }, tokenizers),
    textsOf: (tokens: number[]) => tokensFor({ kind: 'textsOf', id: 7, tokens }, tokenizers),
    detokenize: (tokens: number[]) => tokensFor({ kind: 'detokenize', id: 7, tokens }, tokenizers),
  }
}

describe('a chat template', () => {
  test('that is whole renders messages, without a warning', () => {
    const { chat, warnings } = serving('{% for m in messages %}{{ m.content }};{% endfor %}')
    expect(chat()).toEqual({ id: 7, kind: 'chat', tokens: tokensOf('hi;'), tail: 'hi;' })
    expect(warnings).toEqual([])
  })

  test.each([
    ['is no template', '{% for m in messages %}{{ m.content }}', 'not_parsed', /./],
    ['has an unknown statement', '{% frobnicate %}', 'not_parsed', /frobnicate/],
    ['has an unknown filter', '{{ messages | frobnicate }}', 'not_rendered', /frobnicate/],
    ['takes no message', "{{ raise_exception('no') }}", 'not_rendered', /^no$/],
  ])(
    'that %s: one warning with path and fix; chat is refused by name',
    (_, text, cause, detail) => {
      const { chat, complete, warnings } = serving(text)
      expect(warnings).toEqual([
        {
          ...{ event: 'chat_template_unusable', cause, detail: expect.stringMatching(detail) },
          path: '/models/m.gguf, tokenizer.chat_template',
        },
      ])
      expect(warnings.map(fixOf)[0]).toMatch(/tokenizer\.chat_template.*\/v1\/completions/)
      expect(chat()).toMatchObject({ id: 7, kind: 'error', code: 'chat_template_unusable' })
      expect(complete('hi')).toEqual({ id: 7, kind: 'tokens', tokens: tokensOf('hi') })
      expect(warnings.length).toBe(1)
    },
  )

  test('that the file does not have: chat is refused by another name, without a warning', () => {
    const { chat, complete, warnings } = serving(undefined)
    expect(chat()).toMatchObject({ kind: 'error', code: 'no_chat_template' })
    expect(complete('hi')).toMatchObject({ kind: 'tokens' })
    expect(warnings).toEqual([])
  })

  test('that refuses these messages alone: they are refused by name, and not quoted', () => {
    const refuses = "{% if messages[0].role != 'user' %}{{ raise_exception(messages[0].content) }}"
    const { chat, warnings } = serving(`${refuses}{% endif %}{{ messages[0].content }}`)
    expect(chat([{ role: 'system', content: 'secret' }])).toEqual({
      ...{ id: 7, kind: 'error', code: 'messages_refused', message: 'messages_refused' },
    })
    expect(chat()).toMatchObject({ kind: 'chat' })
    expect(warnings).toEqual([])
  })

  test('whose fault is long is told in a line', () => {
    const { warnings } = serving(`{% ${'x'.repeat(5000)} %}`)
    expect(JSON.stringify(warnings).length).toBeLessThan(500)
  })
})

describe('a prompt', () => {
  const { chat, complete } = serving('{{ messages[0].content }}')

  test('of token ids stays as it is, with ids of the vocabulary alone', () => {
    expect(complete([1, SIZE - 1])).toEqual({ id: 7, kind: 'tokens', tokens: [1, SIZE - 1] })
    expect(complete([1, SIZE])).toMatchObject({ kind: 'error', code: 'invalid_tokens' })
  })

  test('that cannot fit is refused with the tokens that it has at least', () => {
    const content = 'x'.repeat(100_000)
    for (const answer of [complete(content), chat([{ role: 'user', content }])]) {
      expect(answer).toMatchObject({ kind: 'error', code: 'prompt_too_long', promptTokens: 32_768 })
    }
  })
})

describe('tokens', () => {
  const { textsOf, detokenize } = serving(undefined)

  test('are text again, one by one and together', () => {
    const tokens = tokensOf('hi')
    expect(textsOf(tokens)).toEqual({ id: 7, kind: 'texts', texts: ['h', 'i'] })
    expect(detokenize(tokens)).toEqual({ id: 7, kind: 'texts', texts: ['hi'] })
  })

  test('that the vocabulary does not have are refused', () => {
    for (const answer of [textsOf([SIZE]), detokenize([1, SIZE])]) {
      expect(answer).toMatchObject({ kind: 'error', code: 'invalid_tokens' })
    }
  })
})
