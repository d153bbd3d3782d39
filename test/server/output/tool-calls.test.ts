import { describe, expect, test } from 'vitest'
import { FORMATS } from '../../../server/openai/output/families.ts'
import type { Family } from '../../../server/openai/output/families.ts'
import type { JsonSchema, Tool } from '../../../server/openai/output/tool.ts'
import { everySplit, parse } from '../../helpers/parsed-answer.ts'

const NAMES: Tool[] = [{ name: 'look' }, { name: 'look_up' }, { name: 'list' }]

/** The one reading of a text, the same at every split. */
function read(family: Family, text: string, tools = NAMES) {
  const whole = parse(FORMATS[family], text, { tools })
  for (const pieces of everySplit(text)) {
    expect(parse(FORMATS[family], pieces, { tools })).toEqual(whole)
  }
  return whole
}
const complete = (name: string, json: string) => ({ name, json, outcome: 'complete' })
const hermes = (call: string) => `<tool_call>\n${call}\n</tool_call>`

describe('a call as one JSON object', () => {
  test.each([
    ['in another order', '{"arguments": {"a": [1]}, "name": "look"}', '{"a": [1]}'],
    ['as a string', '{"name": "look", "arguments": "{\\"a\\": 1}"}', '{"a": 1}'],
    ['as null', '{"name": "look", "arguments": null}', '{}'],
    ['not at all', '{"name": "look"}', '{}'],
    ['by another name', '{"name": "look", "parameters": {}}', '{}'],
    ['with a type', '{"type": "function", "id": "1", "name": "look", "arguments": {}}', '{}'],
    ['with a type after them', '{"name": "look", "arguments": {}, "type": "function"}', '{}'],
    ['without the last brace', '{"name": "look", "arguments": {"a": 1}', '{"a": 1}'],
    ['with raw newlines', '{"name": "look", "arguments": {"a": "x\ny"}}', '{"a": "x\\ny"}'],
    ['with escapes', '{"name":"look","arguments":{"a":"\\u00e9\\n\\""}}', '{"a":"\\u00e9\\n\\""}'],
  ])('may give its arguments %s', (_, call, json) => {
    expect(read('hermes', hermes(call))).toEqual({
      ...{ content: '', reasoning: '', calls: [complete('look', json)] },
    })
  })

  test.each([
    ['of no name', '{"arguments": {}}'],
    ['with two names', '{"name": "look", "name": "list"}'],
    ['with arguments twice', '{"arguments": {"a": 1}, "name": "look", "arguments": {}}'],
    ['with other keys', '{"name": "look", "place": {}}'],
    ['whose arguments are a list', '{"name": "look", "arguments": [1]}'],
    ['whose arguments are text', '{"name": "look", "arguments": "sky"}'],
    ['that is no JSON', 'look()'],
  ])('%s is content', (_, call) => {
    const text = hermes(call)
    expect(read('hermes', text)).toEqual({ content: text, reasoning: '', calls: [] })
  })

  test.each([
    ['{"a": 1, ', 'b}}'],
    ['{"a": 1 ', '"b": 2}}'],
    ['{"a": 1, ', '}}'],
    ['{"a": [1, ', ']}}'],
    ['{"a": ', '01}}'],
    ['{"a": "x', '\\y"}}'],
    ['{"a": "x', '\\u00g0"}}'],
    ['{"a"', ', 1}}'],
    ['{', '1: 2}}'],
  ])('whose arguments break off after %s has the rest as content', (json, rest) => {
    const text = `${hermes(`{"name": "look", "arguments": ${json}${rest}`)}\nSorry.`
    expect(read('hermes', text)).toEqual({
      content: `${rest}Sorry.`,
      reasoning: '',
      calls: [{ name: 'look', json, outcome: 'malformed' }],
    })
  })

  test('leaves what comes after it in its section as content', () => {
    const text = `${hermes('{"name": "look", "arguments": {}}} and')}\nMore </tool_call>.`
    expect(read('hermes', text)).toEqual({
      ...{ content: '} andMore </tool_call>.', reasoning: '', calls: [complete('look', '{}')] },
    })
  })

  test('may be followed by others', () => {
    const look = '{"name": "look", "arguments": {"a": 1}}'
    const two = [complete('look', '{"a": 1}'), complete('look', '{"a": 1}')]
    expect(read('hermes', `${hermes(look)}\n${hermes(look)}`).calls).toEqual(two)
    expect(read('minimax-m1', `<tool_calls>\n${look}\n${look}\n</tool_calls>`).calls).toEqual(two)
    const llama = look.replace('arguments', 'parameters')
    expect(read('llama-3', `${llama}; ${llama}`)).toEqual({
      content: '',
      reasoning: '',
      calls: two,
    })
  })
})

test.each<[Family, string]>([
  ['hermes', hermes('{"name": "look_up", "arguments": {}}')],
  ['glm-4.7', '<tool_call>look_up</tool_call>'],
  ['gemma-4', '<|tool_call>call:look_up{}<tool_call|>'],
])('the longest name that fits is the name: %s', (family, text) => {
  expect(read(family, text).calls).toEqual([complete('look_up', '{}')])
})

describe('Llama 3', () => {
  const look = '{"name": "look", "parameters": {}}'

  test('calls from the beginning of an answer, or after its tag', () => {
    expect(read('llama-3', `<|python_tag|>${look}`).calls).toEqual([complete('look', '{}')])
    expect(read('llama-3', `I say: ${look}`)).toEqual({
      ...{ content: `I say: ${look}`, reasoning: '', calls: [] },
    })
  })

  test('may answer with JSON', () => {
    for (const text of ['{"name": "Kuala Lumpur", "people": 2}', '\n\n{"a": [1]}', '{']) {
      expect(read('llama-3', text)).toEqual({ content: text, reasoning: '', calls: [] })
    }
  })
})

describe('markers that models leave out', () => {
  const look = { content: '', reasoning: '', calls: [complete('look', '{"a":1}')] }

  test.each<[Family, string]>([
    ['qwen3-coder', '<function=look>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>'],
    ['qwen3-coder', '<tool_call><function=look><parameter=a>1</parameter></function></tool_call>'],
    ['kimi-k2', '<|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>{"a":1}'],
    ['kimi-k2', '<|tool_call_begin|>look:0<|tool_call_argument_begin|>{"a":1}<|tool_call_end|>'],
    [
      'deepseek-r1',
      '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>look\n```json\n{"a":1}```<｜tool▁call▁end｜>',
    ],
  ])('are not needed: %s %s', (family, text) => {
    expect(read(family, text)).toEqual(look)
  })
})

describe('arguments between tags', () => {
  const call = (value: string) =>
    `<tool_call>look\n<arg_key>a</arg_key>\n<arg_value>${value}</arg_value>\n</tool_call>`
  const typed = (schema: JsonSchema | undefined, value: string) => {
    const parameters = schema && { type: 'object', properties: { a: schema } }
    const [answer] = read('glm-4.5', call(value), [{ name: 'look', parameters }]).calls
    expect(answer?.outcome).toBe('complete')
    return (JSON.parse(answer?.json ?? '') as { a: unknown }).a
  }

  test.each<[JsonSchema | undefined, string, unknown]>([
    [{ type: 'string' }, '42', '42'],
    [{ type: 'string' }, ' "x"\n', ' "x"\n'],
    [{ type: 'string' }, '', ''],
    [{ type: 'integer' }, '42', 42],
    [{ type: 'integer' }, ' 42\n', 42],
    [{ type: 'integer' }, 'many', 'many'],
    [{ type: 'integer' }, '"42"', '42'],
    [{ type: 'boolean' }, 'True', true],
    [{ type: ['string', 'null'] }, 'null', null],
    [{ type: ['string', 'null'] }, '42', '42'],
    [{ type: ['string', 'integer'] }, '42', 42],
    [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, '42', '42'],
    [{ enum: ['1', '2'] }, '1', '1'],
    [{ const: 1 }, '1', 1],
    [{ type: 'object' }, '{"b": [1]}', { b: [1] }],
    [{ type: 'array' }, '[1', '[1'],
    [{ allOf: [{ type: ['string', 'number'] }, { type: 'string' }] }, '7', '7'],
    [{ $ref: '#/nowhere' }, '7', 7],
    [{ $ref: 'https://example.com/schema' }, 'x', 'x'],
    [{}, '{"b": 1}', { b: 1 }],
    [{}, 'sky', 'sky'],
    [{}, '"sky"', '"sky"'],
    [undefined, 'false', false],
  ])('of the schema %j are typed: %j', (schema, text, value) => {
    expect(typed(schema, text)).toEqual(value)
  })

  test('may quote their own closing tags', () => {
    const text = 'a</arg_value>\n</arg_valueb</arg_value> c'
    expect(typed({ type: 'string' }, text)).toBe(text)
    expect(typed({}, text)).toBe(text)
  })

  test('keep their own newlines on lines of their own', () => {
    const text = (value: string) =>
      `<tool_call>\n<function=look>\n<parameter=a>\n${value}\n</parameter>\n</function>\n</tool_call>`
    const tools = [{ name: 'look', parameters: { properties: { a: { type: 'string' } } } }]
    for (const value of ['', 'x', '\nx\n', '\n\n', '    x\n  y']) {
      const [answer] = read('qwen3-coder', text(value), tools).calls
      expect(JSON.parse(answer?.json ?? '')).toEqual({ a: value })
    }
  })

  test('have names that no object of JavaScript lends them', () => {
    const text = call('1').replace('>a<', '>__proto__<')
    expect(read('glm-4.5', text).calls).toEqual([complete('look', '{"__proto__":1}')])
  })

  test('are whole where the answer ends after them', () => {
    const tools = [{ name: 'look', parameters: { properties: { a: { type: 'string' } } } }]
    const [text = ''] = call('sky').split('</tool_call>')
    expect(read('glm-4.5', text, tools).calls).toEqual([
      { name: 'look', json: '{"a":"sky"', outcome: 'cut' },
    ])
  })

  test('run on where no other argument and no end follows', () => {
    const [text] = call('1').split('\n</tool_call>')
    expect(read('glm-4.5', `${text} and`)).toEqual({
      content: '',
      reasoning: '',
      calls: [{ name: 'look', json: '{"a":"1</arg_value> and"', outcome: 'cut' }],
    })
  })

  test('without a name are malformed', () => {
    const [begin, rest] = call('1').split('a</arg_key>')
    expect(read('glm-4.5', `${begin}</arg_key>${rest}`)).toEqual({
      content: `<arg_key></arg_key>${rest}`.replace('\n</tool_call>', ''),
      reasoning: '',
      calls: [{ name: 'look', json: '', outcome: 'malformed' }],
    })
  })

  test('may have HTML entities in their names where the form says so', () => {
    const text = [
      '<|open|>tools<|sep|><|open|>call tool="look" index="1"<|sep|>',
      '<|open|>argument key="a &amp;&quot;b" type="number"<|sep|>1<|close|>argument<|sep|>',
      '<|open|>argument key="c" type="string"<|sep|>2<|close|>argument<|sep|>',
      '<|close|>call<|sep|><|close|>tools<|sep|>',
    ].join('')
    expect(read('kimi-k3', text).calls).toEqual([complete('look', '{"a &\\"b":1,"c":"2"}')])
  })
})

describe('tags within tags', () => {
  const M = ']<]minimax[>['
  const call = (body: string) =>
    `${M}<tool_call>\n${M}<invoke name="look">${body}${M}</invoke>\n${M}</tool_call>`
  const el = (name: string, body: string) => `${M}<${name}>${body}${M}</${name}>`

  test('are objects and lists', () => {
    const parameters = {
      properties: {
        a: { properties: { n: { type: 'string' } } },
        c: { type: 'array', items: { type: 'string' } },
        e: { type: 'array' },
      },
    }
    const body = [
      el('a', el('n', '1') + el('m', '1')),
      el('b', el('item', '1') + el('item', 'x')),
      el('c', el('item', '1')),
      el('e', ''),
    ].join('')
    expect(read('minimax-m3', call(body), [{ name: 'look', parameters }]).calls).toEqual([
      complete('look', '{"a":{"n":"1","m":1},"b":[1,"x"],"c":["1"],"e":[]}'),
    ])
  })

  test('with text between them are no value', () => {
    const { content, calls } = read('minimax-m3', call(el('a', `x${el('b', '1')}`)))
    expect(calls).toEqual([{ name: 'look', json: '{"a":', outcome: 'malformed' }])
    expect(content).toContain(`x${el('b', '1')}`)
  })

  test('end somewhere', () => {
    const deep = `${M}<a>`.repeat(10_000)
    expect(parse(FORMATS['minimax-m3'], call(deep), { tools: NAMES }).calls).toEqual([
      { name: 'look', json: '{"a":', outcome: 'malformed' },
    ])
  })
})

describe('arguments in braces', () => {
  const call = (body: string) => `<|tool_call>call:look{${body}}<tool_call|>`
  const Q = '<|"|>'

  test.each([
    ['', '{}'],
    [`a:${Q}x, {y}: "z"\n${Q},b:-1.5e3`, '{"a":"x, {y}: \\"z\\"\\n","b":-1.5e3}'],
    [`a:{b:[1,${Q}2${Q},[]],${Q}c d${Q}:{}}`, '{"a":{"b":[1,"2",[]],"c d":{}}}'],
    ['a: true , b:None,c:null', '{"a":true,"b":null,"c":null}'],
    ['a:Kuala Lumpur,b:01', '{"a":"Kuala Lumpur","b":"01"}'],
  ])('%j are %s', (body, json) => {
    expect(read('gemma-4', call(body)).calls).toEqual([complete('look', json)])
  })

  test.each(['a', 'a:', ':1', 'a:1,', 'a:[1}'])('%j are malformed', (body) => {
    expect(read('gemma-4', call(body)).calls).toMatchObject([{ outcome: 'malformed' }])
  })

  test('end somewhere', () => {
    const { calls } = parse(FORMATS['gemma-4'], call(`a:${'['.repeat(10_000)}`), { tools: NAMES })
    expect(calls).toMatchObject([{ outcome: 'malformed' }])
  })
})
