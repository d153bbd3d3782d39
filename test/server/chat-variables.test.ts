import { Template } from '@huggingface/jinja'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { callShapeOf } from '../../server/engine/call-shape.ts'
import type { CallShape } from '../../server/engine/call-shape.ts'
import { ChatTokens, TemplateError } from '../../server/engine/chat-tokens.ts'
import { chatVariables } from '../../server/engine/chat-variables.ts'
import type { Chat, ChatMessage } from '../../server/engine/engine.ts'
import { ExactNumbers, pythonNumber } from '../../server/engine/exact-numbers.ts'
import { hasParallelCalls, withSingleCalls } from '../../server/engine/single-calls.ts'

const MEMBERS: CallShape = {
  ...{ noContent: '', arguments: 'members', printsNull: false, single: false },
}
const JSON_TEXT: CallShape = { ...MEMBERS, arguments: 'json' }
const question: Chat = { messages: [{ role: 'user', content: 'q' }], tools: [], variables: {} }
const calling = (given: string, content = ''): Chat => ({
  ...question,
  messages: [
    { ...{ role: 'assistant', content }, toolCalls: [{ id: '1', name: 'f', arguments: given }] },
  ],
})

/** What a template is told, and what it would make of it by writing JSON. */
function told(chat: Chat, shape = MEMBERS) {
  const numbers = new ExactNumbers()
  const variables = chatVariables(chat, { text: (text) => text, numbers, calls: () => shape })
  return { variables, written: numbers.restore(JSON.stringify(variables)) }
}

describe('numbers', () => {
  test.each([
    ['3.141592653589793', '3.141592653589793'],
    ['1.0', '1.0'],
    ['-0.5', '-0.5'],
    ['1e5', '100000.0'],
    ['0.00001', '1e-05'],
    ['123456789012345.6', '123456789012345.6'],
    ['1E16', '1e+16'],
    ['1.5e300', '1.5e+300'],
    ['1e-7', '1e-07'],
    ['12345678901234567890', '12345678901234567890'],
    ['9007199254740993', '9007199254740993'],
    ['-9223372036854775809', '-9223372036854775809'],
    ['42', '42'],
  ])('of arguments stay what a client wrote, as Python writes it: %s', (source, expected) => {
    expect(pythonNumber(source)).toBe(expected)
    expect(told(calling(`{"n": ${source}, "list": [${source}]}`)).written).toContain(
      `{"n":${expected},"list":[${expected}]}`,
    )
  })

  test('of a schema too', () => {
    const parameters = { minimum: 0.1, maximum: 1e300, multipleOf: 2 }
    expect(told({ ...question, tools: [{ name: 'f', parameters }] }).written).toContain(
      '{"minimum":0.1,"maximum":1e+300,"multipleOf":2}',
    )
  })

  test('are told to a template as whole ones, which it writes as they are', () => {
    const { variables } = told(calling('{"n": [0.1, 1e999, 12345678901234567890, -7]}'))
    const { n } = (
      variables['messages'] as [{ tool_calls: [{ function: { arguments: { n: number[] } } }] }]
    )[0].tool_calls[0].function.arguments
    expect(n.every((number) => Number.isSafeInteger(number))).toBe(true)
    expect(n[3]).toBe(-7)
  })

  test('never mix, however many they are, and no other text is changed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true })),
        fc.string(),
        (doubles, text) => {
          const numbers = new ExactNumbers()
          const rendered = doubles.map((double) => numbers.standIn(`${double}`)).join(text)
          const expected = doubles.map((double) => pythonNumber(`${double}`)).join(text)
          expect(numbers.restore(rendered)).toBe(expected)
        },
      ),
    )
  })
})

describe('a template', () => {
  /** What templates do with a message that calls. */
  type Template = (message: {
    content: string | null
    tool_calls: { function: { name: string; arguments: unknown } }[]
  }) => string
  const shapeFor = (template: Template) =>
    callShapeOf((chat, shape) => {
      const { messages } = told(chat, shape).variables as { messages: Parameters<Template>[0][] }
      return messages.map((each) => (each.tool_calls === undefined ? '' : template(each))).join('')
    })
  const json = (value: unknown) => JSON.stringify(value)
  /** A template that writes each call so. */
  const each =
    (write: (given: unknown) => string): Template =>
    ({ tool_calls: calls }) =>
      calls.map(({ function: { name, arguments: given } }) => `${name}${write(given)}`).join()
  const called = each(json)
  const joined = each((given) => {
    if (typeof given !== 'string') throw new Error('can only concatenate str')
    return given
  })
  const pythonic = each((given) =>
    typeof given === 'string' ? given : json(given).replaceAll('"', "'"),
  )
  /** Prints the members, but for null. */
  const printing = each((given) =>
    Object.entries(given as object)
      .map(([key, value]) => `${key}:${value ?? ''}`)
      .join(),
  )
  const ifEmpty =
    (template: Template): Template =>
    (message) =>
      message.content === null ? template(message) : ''
  const refusing = (): never => {
    throw new Error('no')
  }

  test.each<[string, Template, CallShape]>([
    ['writes members as JSON', called, MEMBERS],
    ['wants no content beside calls', ifEmpty(called), { ...MEMBERS, noContent: null }],
    [
      'writes content beside calls, also an empty one',
      (message) => (message.content === null ? '' : `answer:${message.content}`) + called(message),
      { ...MEMBERS, noContent: null },
    ],
    ['writes content beside calls', (message) => `${message.content}${called(message)}`, MEMBERS],
    ['joins arguments to its text', joined, JSON_TEXT],
    ['does both', ifEmpty(joined), { ...JSON_TEXT, noContent: null }],
    ["writes Python's form of members", pythonic, JSON_TEXT],
    ['prints members', printing, { ...MEMBERS, printsNull: true }],
    [
      'tells the first call alone',
      ({ tool_calls: [first] }) => called({ content: '', tool_calls: first ? [first] : [] }),
      { ...MEMBERS, single: true },
    ],
    [
      'refuses several calls',
      (message) => (message.tool_calls.length > 1 ? refusing() : called(message)),
      { ...MEMBERS, single: true },
    ],
    ['writes no calls', () => '', MEMBERS],
    ['refuses them', refusing, MEMBERS],
  ])('that %s is told them so that they are seen', (_, template, shape) => {
    expect(shapeFor(template)).toEqual(shape)
  })

  test('that prints nothing for null gets what Python prints', () => {
    const { written } = told(calling('{"a": null, "b": [null]}'), { ...MEMBERS, printsNull: true })
    expect(written).toContain('{"a":None,"b":[None]}')
  })

  test('is told calls in its shape', () => {
    const shape: CallShape = { ...JSON_TEXT, noContent: null }
    const messageOf = (chat: Chat) => (told(chat, shape).variables['messages'] as ChatMessage[])[0]
    const call = { id: '1', type: 'function', function: { name: 'f', arguments: '{"a":  1}' } }
    expect(messageOf(calling('{"a":  1}'))).toEqual({
      role: 'assistant',
      content: null,
      tool_calls: [call],
    })
    expect(messageOf(calling('{"a":  1}', 'Hm.'))).toMatchObject({ content: 'Hm.' })
  })
})

describe('several calls of a message', () => {
  const call = (id: string) => ({ id, name: 'f', arguments: '{}' })
  const user: ChatMessage = { role: 'user', content: 'q' }
  const result = (toolCallId: string): ChatMessage => ({
    role: 'tool',
    content: toolCallId,
    toolCallId,
  })
  const calls = (content: string, ...ids: string[]): ChatMessage => ({
    ...{ role: 'assistant', content, toolCalls: ids.map(call) },
  })

  test('are told one by one, each with its result, where a template refuses them', () => {
    const messages = [
      user,
      calls('Hm.', '1', '2', '3'),
      result('2'),
      result('1'),
      user,
      result('3'),
    ]
    expect(withSingleCalls(messages)).toEqual([
      ...[user, calls('Hm.', '1'), result('1'), calls('', '2'), result('2'), calls('', '3')],
      ...[user, result('3')],
    ])
    expect([messages, messages.slice(0, 1)].map(hasParallelCalls)).toEqual([true, false])
  })

  test('never lose a result, nor tell one twice', () => {
    const id = fc.constantFrom('1', '2', '3')
    const message = fc.oneof(
      fc.constant(user),
      id.map(result),
      fc.array(id, { maxLength: 4 }).map((ids) => calls('', ...ids)),
    )
    fc.assert(
      fc.property(fc.array(message), (drawn) => {
        const messages = drawn.map((each) => ({ ...each }))
        const told = withSingleCalls(messages)
        const count = (all: readonly ChatMessage[]) =>
          all.filter(({ role }) => role === 'tool').length
        expect(count(told)).toBe(count(messages))
        const callsOf = (all: readonly ChatMessage[]) =>
          all.flatMap((each) => (each.role === 'assistant' ? (each.toolCalls ?? []) : []))
        expect(callsOf(told)).toEqual(callsOf(messages))
      }),
    )
  })
})

describe('a chat', () => {
  const call = (id: string) => ({ id, name: 'f', arguments: '{}' })
  /** Of a template that ends before it where `refused` holds of a message. */
  function rendered(refused: string, ids: readonly string[]): string {
    const called = '[{{ c.function.name }}{{ c.function.arguments | tojson }}]'
    const template =
      `{% for m in messages %}{% if ${refused} %}{{ raise_exception('no') }}{% endif %}` +
      `{{ m.role[0] }}{% for c in m.tool_calls or [] %}${called}{% endfor %}{% endfor %}`
    const chat = new ChatTokens(() => new Template(template), {
      tokenize: (text) => Array.from(text, (char) => char.codePointAt(0) ?? 0),
      ...{ isSpecial: () => false, controlText: () => '', bosText: '', eosText: '' },
    })
    const messages: ChatMessage[] = [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: '', toolCalls: ids.map(call) },
      ...ids.map((id): ChatMessage => ({ role: 'tool', content: 'r', toolCallId: id })),
    ]
    return String.fromCodePoint(...chat.tokenize({ messages, tools: [], variables: {} }).tokens)
  }

  test('with several calls is told as it is, where the template takes it', () => {
    expect(rendered('false', ['1', '2'])).toBe('ua[f{}][f{}]tt')
  })

  test('with several calls is told one by one, where the template refuses it', () => {
    const refused = 'm.tool_calls and m.tool_calls | length > 1'
    expect(rendered(refused, ['1', '2'])).toBe('ua[f{}]ta[f{}]t')
  })

  test('is tokenized where the template takes ids of one form alone', () => {
    const refused = 'm.tool_call_id and m.tool_call_id | length != 9'
    expect(rendered(refused, ['a1b2c3d4e'])).toBe('ua[f{}]t')
    expect(() => rendered(refused, ['1'])).toThrow(TemplateError)
  })
})
