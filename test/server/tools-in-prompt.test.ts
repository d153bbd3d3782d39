import { describe, expect, test } from 'vitest'
import type { Message } from '../../server/openai/chat-messages.ts'
import { callIds } from '../../server/openai/call-ids.ts'
import { detectFormat } from '../../server/openai/output/detect-format.ts'
import { FORMATS } from '../../server/openai/output/families.ts'
import { withToolsInPrompt } from '../../server/openai/tools-in-prompt.ts'
import { parse } from '../helpers/parsed-answer.ts'

const TOOLS = [{ name: 'look', description: 'what it does' }, { name: 'list' }]
const call = (id: string, name: string): Message => ({
  ...{ role: 'assistant', content: '', toolCalls: [{ id, name, arguments: '{"a": 1}' }] },
})
const result = (toolCallId: string, content: string): Message => ({
  ...{ role: 'tool', toolCallId, content },
})
const user = (content: string): Message => ({ role: 'user', content })

function prompted(template: string, messages: readonly Message[], tools = TOOLS) {
  const wanted = { messages, tools, toolChoice: { kind: 'auto' as const }, variables: {} }
  const { format, chat } = withToolsInPrompt(detectFormat(template), template, wanted)
  return { format, messages: chat.messages, tools: chat.tools }
}
const written = (messages: readonly Message[]) =>
  messages.map(({ role, content }) => `${role}: ${content}`)

const NEITHER = '{{ messages }}'
/** Writes calls and results, and has no place for tools. */
const CALLS = "{{ message['tool_calls'] }}<｜tool▁calls▁begin｜>```json"

describe('a template that knows of no tools and no calls', () => {
  test('gets results that follow each other as one message, so that roles take turns', () => {
    const both: Message = {
      ...{ role: 'assistant', content: 'Hm.' },
      toolCalls: ['1', '2'].map((id) => ({ id, name: 'look', arguments: '{"a": 1}' })),
    }
    const { messages } = prompted(NEITHER, [user('q'), both, result('1', 'r'), result('2', 's')])
    const told = '<tool_call>\n{"name": "look", "arguments": {"a": 1}}\n</tool_call>'
    expect(written(messages).slice(1)).toEqual([
      ...['user: q', `assistant: Hm.\n${told}\n${told}`],
      'user: <tool_response>\nr\n</tool_response>\n<tool_response>\ns\n</tool_response>',
    ])
  })

  test('gets what the user says after a result in the same message, and no more of it', () => {
    const asked = [user('q'), call('1', 'look'), result('1', 'r'), user('now?'), user('well?')]
    expect(written(prompted(NEITHER, asked, []).messages).slice(2)).toEqual([
      'user: <tool_response>\nr\n</tool_response>\nnow?',
      'user: well?',
    ])
  })

  test('gets the tools in the system message, with a call as it is read', () => {
    const { format, messages } = prompted(NEITHER, [
      { role: 'system', content: 'Brief.' },
      user('q'),
    ])
    expect(format.family).toBe('hermes')
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user'])
    const [system] = written(messages)
    expect(system).toMatch(/^system: Brief\.\n\n/)
    expect(system).toContain('{"name":"look","description":"what it does"}')
    const example = `<tool_call>${system?.split('<tool_call>')[1]}`
    expect(parse(format, example, { tools: [{ name: 'name_of_the_function' }] }).calls).toEqual([
      { name: 'name_of_the_function', json: '{"an argument": "its value"}', outcome: 'complete' },
    ])
  })

  test.each([
    ['with a question', [user('q')], ['user']],
    [
      'with a conversation',
      [user('q'), call('1', 'look'), result('1', 'r')],
      ['user', 'assistant', 'user'],
    ],
  ])('and takes no system message gets them in the first of the user, %s', (_, asked, roles) => {
    const gemma = "{{ raise_exception('System role not supported') }}{{ messages }}"
    const { messages } = prompted(gemma, asked)
    expect(messages.map(({ role }) => role)).toEqual(roles)
    expect(messages[0]?.content).toMatch(/^You may call [^]*\n\nq$/)
  })
})

describe('a template that writes calls and knows of no tools', () => {
  const { format, messages, tools } = prompted(CALLS, [
    user('q'),
    call('1', 'look'),
    result('1', 'r'),
  ])

  test('keeps calls and results, and the form in which its model calls', () => {
    expect(format.family).toBe('deepseek-r1')
    expect(tools).toEqual([])
    expect(messages.slice(1)).toEqual([user('q'), call('1', 'look'), result('1', 'r')])
  })

  test('gets the tools with a call in that form', () => {
    const [before, example = ''] = messages[0]?.content.split(/(?=<｜tool▁calls▁begin｜>)/) ?? []
    expect(before).toContain('{"name":"list"}')
    expect(parse(format, example, { tools: [{ name: 'name_of_the_function' }] }).calls).toEqual([
      { name: 'name_of_the_function', json: '{"an argument": "its value"}', outcome: 'complete' },
    ])
  })
})

test('a template that knows of tools gets them, and messages as they are', () => {
  const asked = [user('q'), call('1', 'look'), result('1', 'r'), result('1', 's')]
  expect(prompted('{{ tools }}', asked)).toMatchObject({ messages: asked, tools: TOOLS })
})

describe('ids of calls', () => {
  test('count the calls of the conversation where a model reads them so', () => {
    const two = {
      ...call('1', 'look'),
      toolCalls: ['1', '2'].map((id) => ({ id, name: 'x', arguments: '' })),
    }
    const id = callIds(FORMATS['kimi-k2'], [user('q'), two, call('3', 'look')])
    expect([id('look', 0), id('list', 1)]).toEqual(['functions.look:3', 'functions.list:4'])
  })

  test('are random elsewhere', () => {
    const id = callIds(FORMATS.hermes, [])
    expect(id('look', 0)).toMatch(/^call_[0-9a-f]{24}$/)
    expect(id('look', 0)).not.toBe(id('look', 0))
  })
})
