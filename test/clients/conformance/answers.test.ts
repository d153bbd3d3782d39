import type { Completion } from 'openai/resources/completions'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { reply, streamedAnswer, wholeAnswer } from './ask.ts'
import { ASKS } from './asks.ts'
import type { Route } from './asks.ts'
import { Documents } from './documents.ts'
import { EXCEPTIONS } from './exceptions.ts'
import { comparable, joinedChat, joinedCompletion, joinedResponse } from './joined.ts'
import type { Kind } from './kinds.ts'

const service = inject('service')
const { model } = service

interface Shapes {
  whole: Kind
  piece: Kind
  joined: (pieces: readonly never[]) => object
}
const SHAPES: Readonly<Record<Route, Shapes>> = {
  '/chat/completions': { whole: 'chat', piece: 'chunk of a chat', joined: joinedChat },
  '/completions': { whole: 'completion', piece: 'chunk of a completion', joined: joinedCompletion },
  '/responses': { whole: 'response', piece: 'event of a response', joined: joinedResponse },
}

let documents: Documents
/** All that was judged. */
const seen: { kind: Kind; answer: unknown }[] = []

beforeAll(async () => {
  documents = await Documents.read(service)
})

function complaints(kind: Kind, answer: unknown): string[] {
  seen.push({ kind, answer })
  return documents.complaints(kind, answer)
}

describe.each(ASKS)('$name', (ask) => {
  const { whole: kind, piece, joined } = SHAPES[ask.route]
  let whole: object
  let pieces: object[]

  beforeAll(async () => {
    ;[whole, pieces] = await Promise.all([wholeAnswer(ask), streamedAnswer(ask)])
  })

  test('the whole answer is as both documents say', () => {
    expect(complaints(kind, whole)).toEqual([])
  })

  test('each piece of the streamed one is', () => {
    expect(pieces.flatMap((each) => complaints(piece, each))).toEqual([])
  })

  test('the streamed one put together is the whole one', () => {
    const told = ask.usage === false ? { ...whole, usage: undefined } : whole
    expect(comparable(joined(pieces as never[]))).toEqual(comparable(told))
  })
})

/** Of any answer: how it ended. */
interface Ends {
  choices?: { finish_reason?: string | null }[]
  status?: string
}

test('answers ended in each of the ways there are', () => {
  const ends = seen.flatMap(({ answer }) => {
    const { choices = [], status } = answer as Ends
    return [...choices.map(({ finish_reason: finish }) => finish), status]
  })
  const ways = ['stop', 'length', 'tool_calls', 'completed', 'incomplete']
  expect(ends).toEqual(expect.arrayContaining(ways))
})

test('the offsets of tokens say where their texts stand', () => {
  let found = 0
  for (const { answer } of seen.filter(({ kind }) => kind === 'completion')) {
    for (const { text, logprobs } of (answer as Completion).choices) {
      const characters = Array.from(text)
      const { tokens = [], text_offset: offsets = [] } = logprobs ?? {}
      for (const [at, token] of tokens.entries()) {
        const [from, length] = [offsets[at]!, Array.from(token).length]
        // Parts of characters stand nowhere, nor does what a stop string cut off.
        if (token.includes('\u{fffd}') || from + length > characters.length) continue
        expect(characters.slice(from, from + length).join('')).toBe(token)
        found++
      }
    }
  }
  expect(found).toBeGreaterThan(40)
})

test('the list of models and one of them are as both documents say', async () => {
  const [list, one] = [await reply('/models'), await reply(`/models/${model}`)]
  expect([list.status, complaints('models', list.body)]).toEqual([200, []])
  expect([one.status, complaints('model', one.body)]).toEqual([200, []])
})

// One of embeddings is looked at where there are some.
const exceptions = EXCEPTIONS.filter(({ kind }) => kind !== 'embeddings')

test.each(exceptions)('$kind: the exception at $at is needed, because $reason', (exception) => {
  const refused = seen
    .filter(({ kind }) => kind === exception.kind)
    .flatMap(({ kind, answer }) => documents.withoutExceptions(kind, answer))
  expect(refused).toContainEqual(expect.stringMatching(exception.refusal))
})

describe('an answer that is spoilt is refused', () => {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any JSON, to be spoilt
  type Spoil = (answer: any) => void
  const SPOILS: [kind: Kind, how: string, spoil: Spoil][] = [
    ['chat', 'without an id', (answer) => delete answer.id],
    ['chat', 'an end of its own', (answer) => (answer.choices[0].finish_reason = 'done')],
    ['chat', 'no refusal', (answer) => delete answer.choices[0].message.refusal],
    ['chat', 'tokens as text', (answer) => (answer.usage.prompt_tokens = '12')],
    ['chunk of a chat', 'text as a list', (answer) => (answer.choices[0].delta.content = [])],
    ['chunk of a chat', 'named as a whole one', (answer) => (answer.object = 'chat.completion')],
    ['completion', 'no text', (answer) => delete answer.choices[0].text],
    [
      'completion',
      'an end that is not there',
      (answer) => (answer.choices[0].finish_reason = null),
    ],
    ['chunk of a completion', 'a place as text', (answer) => (answer.choices[0].index = '0')],
    ['response', 'without its tools', (answer) => delete answer.tools],
    ['response', 'an item of its own type', (answer) => (answer.output[0].type = 'text')],
    ['event of a response', 'without its number', (event) => delete event.sequence_number],
    [
      'event of a response',
      'a response without a time',
      ({ response }) => delete response.created_at,
    ],
    ['models', 'a model without an owner', (answer) => delete answer.data[0].owned_by],
    ['model', 'named as another object', (answer) => (answer.object = 'engine')],
  ]

  test.each(SPOILS)('%s: %s', (kind, _how, spoil) => {
    const { answer } = seen.find((each) => each.kind === kind)!
    const spoilt = structuredClone(answer)
    spoil(spoilt)
    expect(documents.complaints(kind, answer)).toEqual([])
    const said = documents.complaints(kind, spoilt)
    expect(said.filter((each) => each.startsWith("OpenAI's: "))).not.toEqual([])
  })
})
