/** What clients ask: each is rendered with every template, with the beginning of an answer and without it. */
import type { Chat, ChatCall, ChatMessage, ChatTool } from '../../server/engine/engine.ts'

const user = (content: string): ChatMessage => ({ role: 'user', content })
const system = (content: string): ChatMessage => ({ role: 'system', content })
const assistant = (content: string, more: object = {}): ChatMessage => ({
  ...{ role: 'assistant', content },
  ...more,
})
/** Ids of nine letters and digits: there are templates that take no others. */
const call = (name: string, given: string, id = 'a1b2c3d4e'): ChatCall => ({
  ...{ id, name, arguments: given },
})
const calls = (...toolCalls: ChatCall[]) => assistant('', { toolCalls })
const result = (content: string, toolCallId = 'a1b2c3d4e'): ChatMessage => ({
  ...{ role: 'tool', content, toolCallId },
})

const WEATHER: ChatTool = {
  name: 'get_weather',
  description: 'The weather of a place <now> & "soon", in °C: สภาพอากาศ',
  parameters: {
    type: 'object',
    properties: {
      place: { type: 'string', description: "A city's name" },
      days: { type: 'integer', minimum: 1, maximum: 14, default: 3 },
      chance: { type: 'number', minimum: 0.05, exclusiveMaximum: 1e-7 },
      unit: { type: 'string', enum: ['C', 'F'] },
      spots: {
        type: 'array',
        items: {
          type: 'object',
          properties: { at: { type: 'array', items: { type: 'number' } } },
          required: ['at'],
        },
      },
    },
    required: ['place'],
    additionalProperties: false,
  },
}
const PLAIN: ChatTool = { name: 'list_files' }
const ALTERNATIVES: ChatTool = {
  name: 'book',
  parameters: {
    type: 'object',
    properties: { when: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null } },
  },
}
const IN_FULL: ChatTool = {
  name: 'find',
  description: 'Finds files',
  parameters: {
    type: 'object',
    properties: {
      glob: { type: 'string', description: 'What their names look like' },
      most: { type: 'integer', description: 'How many' },
    },
    required: ['glob'],
  },
}
const TOOLS = [WEATHER, PLAIN]

const QUESTION = user('How is the weather?')
const CALL = calls(call('get_weather', '{"place": "Kuching"}'))
const RESULT = result('{"sky": "rain", "wind": [3, "SW"]}')
const ARGUMENTS = String.raw`{
  "place": "Kota \"Kinabalu\"\n <b>สวัสดี</b> 🙂 {x: [1]}, \\ C:\\n it's & <tag>",
  "whole": 1234567890123456789012, "id": 9007199254740993, "zero": 0, "minus": -7,
  "pi": 3.141592653589793, "one": 1.0, "small": 1e-7, "large": 1E22, "half": -0.5, "thirds": 0.0001,
  "yes": true, "no": false, "nothing": null, "empty": {}, "none": [],
  "deep": { "list": [1, 2.5, "three", null, { "x": [[]] }] }
}`

const ON = { enable_thinking: true, thinking: true, reasoning_effort: 'high' }
const OFF = { enable_thinking: false, thinking: false, reasoning_effort: 'none' }

type Case = Partial<Chat> & Pick<Chat, 'messages'>

const CASES: Record<string, Case> = {
  plain: { messages: [user('Hello!')] },
  'a system message': { messages: [system('Be brief.'), user('Hello!')] },
  'several turns': {
    messages: [
      system('Be brief.'),
      user('One?'),
      assistant('1'),
      user('Two?'),
      assistant('2.'),
      user('3?'),
    ],
  },
  'a user with a name': { messages: [{ role: 'user', content: 'Hello!', name: 'aisyah' }] },
  'tools offered': { messages: [QUESTION], tools: TOOLS },
  'tools offered after a system message': {
    messages: [system('Be brief.'), QUESTION],
    tools: TOOLS,
  },
  'one tool, one that says nothing of itself': { messages: [QUESTION], tools: [PLAIN] },
  'a tool with an argument of two types': { messages: [QUESTION], tools: [ALTERNATIVES] },
  'a tool that is described in full': {
    messages: [
      ...[user('Where are they?'), calls(call('find', '{"glob": "*.txt", "most": 3}'))],
      ...[result('["a.txt"]'), assistant('There.'), user('Thanks!')],
    ],
    tools: [IN_FULL],
  },
  'a call': { messages: [QUESTION, CALL], tools: TOOLS },
  'a call and its result': { messages: [QUESTION, CALL, RESULT], tools: TOOLS },
  'a call and its result, no tool offered any more': { messages: [QUESTION, CALL, RESULT] },
  'a call, and how it went on': {
    messages: [
      system('Be brief.'),
      QUESTION,
      CALL,
      RESULT,
      assistant('It rains.'),
      user('And now?'),
    ],
    tools: TOOLS,
  },
  'two calls, one after the other': {
    messages: [
      ...[QUESTION, CALL, RESULT],
      ...[calls(call('list_files', '{"path": "/"}', 'f6g7h8i9j')), result('a.txt', 'f6g7h8i9j')],
    ],
    tools: TOOLS,
  },
  'parallel calls': {
    messages: [
      QUESTION,
      calls(
        call('get_weather', '{"place": "Sibu", "days": 2}'),
        call('list_files', '{}', 'f6g7h8i9j'),
      ),
      ...[result('sun'), result('a.txt\nb.txt', 'f6g7h8i9j')],
    ],
    tools: TOOLS,
  },
  'the same calls, one by one': {
    messages: [
      QUESTION,
      ...[calls(call('get_weather', '{"place": "Sibu", "days": 2}')), result('sun')],
      ...[calls(call('list_files', '{}', 'f6g7h8i9j')), result('a.txt\nb.txt', 'f6g7h8i9j')],
    ],
    tools: TOOLS,
  },
  'a call without arguments': {
    messages: [QUESTION, calls(call('list_files', '{}')), result('a.txt')],
    tools: TOOLS,
  },
  'a call beside content': {
    messages: [
      QUESTION,
      assistant('Let me look.', { toolCalls: [call('list_files', '{"path": "/"}')] }),
      result('a.txt'),
    ],
    tools: TOOLS,
  },
  'a call after thoughts': {
    messages: [
      QUESTION,
      assistant('', {
        reasoning: 'I must look.',
        toolCalls: [call('get_weather', '{"place": "Miri"}')],
      }),
      RESULT,
    ],
    tools: TOOLS,
    variables: ON,
  },
  'arguments of every kind': {
    messages: [QUESTION, calls(call('get_weather', ARGUMENTS)), RESULT],
    tools: TOOLS,
  },
  'arguments that are no object': {
    messages: [QUESTION, calls(call('get_weather', '[1, "x"]')), RESULT],
    tools: TOOLS,
  },
  'arguments that are no JSON': {
    messages: [QUESTION, calls(call('get_weather', '{"place": "Ku')), RESULT],
    tools: TOOLS,
  },
  "a call with Kimi's id": {
    messages: [
      ...[QUESTION, calls(call('get_weather', '{"place": "Miri"}', 'functions.get_weather:0'))],
      result('sun', 'functions.get_weather:0'),
    ],
    tools: TOOLS,
  },
  'an empty result': { messages: [QUESTION, CALL, result('')], tools: TOOLS },
  'a result that is text': {
    messages: [QUESTION, CALL, result('It rains, "hard".\n')],
    tools: TOOLS,
  },
  'a user who speaks after a result': {
    messages: [QUESTION, CALL, RESULT, user('Shorter!')],
    tools: TOOLS,
  },
  'thoughts, on': {
    messages: [user('One?'), assistant('1', { reasoning: 'Count.\n\nYes.' }), user('Two?')],
    variables: ON,
  },
  'thoughts, off': {
    messages: [user('One?'), assistant('1', { reasoning: 'Count.\n\nYes.' }), user('Two?')],
    variables: OFF,
  },
  'thoughts at the end': {
    messages: [user('One?'), assistant('1', { reasoning: ' Count. ' })],
    variables: ON,
  },
  'thoughts within content': {
    messages: [user('One?'), assistant('<think>\nCount.\n</think>\n\n1'), user('Two?')],
  },
  'thinking on, from the first question': { messages: [user('Hello!')], variables: ON },
  'thinking off, from the first question': { messages: [user('Hello!')], variables: OFF },
  'thinking off, with tools': { messages: [QUESTION, CALL, RESULT], tools: TOOLS, variables: OFF },
  'letters of the region': {
    messages: [
      system('ตอบสั้น ๆ'),
      user('ភាសាខ្មែរ မြန်မာ ລາວ Tiếng Việt \u00e9 e\u0301 简体 العربية 👩‍👩‍👧‍👦 \u200d\u00ad\ufeff'),
      assistant('ខ្ញុំ'),
      user('ದ'),
    ],
  },
  'text like control tokens and templates': {
    messages: [
      system('<|im_start|>system <<SYS>> [INST]'),
      user(
        '<|im_end|>\n<|im_start|>assistant</s><|eot_id|><end_of_turn> {{ 7*7 }} {% raw %} {# x #} ${x}',
      ),
      assistant('</think> <tool_call>{"name": "x"}</tool_call> <｜tool▁calls▁begin｜>'),
      user('<|channel>thought\nx<channel|> /no_think'),
    ],
  },
  'white space around': {
    messages: [
      system('  Be brief.\n'),
      user('\n\n \t hi \r\n there \n'),
      assistant('\n1 \n'),
      user(' '),
    ],
  },
  'empty messages': { messages: [system(''), user(''), assistant(''), user('')] },
  'white space of other scripts around': { messages: [user('\u00a0hi\u3000')] },
  'a beginning of the answer': { messages: [user('One, two,'), assistant('three,')] },
  'two questions': { messages: [user('One?'), user('Two?')] },
  'an answer first': { messages: [assistant('Hello.'), user('Hello!')] },
  'two answers': { messages: [user('One?'), assistant('1'), assistant('one'), user('Two?')] },
  'a system message within': { messages: [user('One?'), system('Be brief.'), user('Two?')] },
  'system messages alone': { messages: [system('Be brief.')] },
  'a long conversation': {
    messages: Array.from({ length: 41 }, (_, at) =>
      at % 2 === 0 ? user(`${at}?`) : assistant(`${at}.`),
    ),
  },
}

export const CONVERSATIONS: Readonly<Record<string, Chat>> = Object.fromEntries(
  Object.entries(CASES).map(([name, chat]) => [name, { tools: [], variables: {}, ...chat }]),
)
