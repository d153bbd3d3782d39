import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FAMILIES, FORMATS } from '../../../server/openai/output/families.ts'
import { forcedCalls } from '../../../server/openai/output/forced-call.ts'
import type { ForcedPart } from '../../../server/openai/output/forced-part.ts'
import type { JsonSchema, Tool } from '../../../server/openai/output/tool.ts'
import { parse } from '../../helpers/parsed-answer.ts'

const TOOLS: Tool[] = [
  {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: {
        place: { type: 'string' },
        days: { type: 'integer' },
        unit: { enum: ['C', 'F'] },
        metric: { type: 'boolean' },
        spot: { $ref: '#/$defs/spot' },
        tags: { type: 'array', items: { type: 'string' } },
      },
      required: ['place', 'days'],
      $defs: { spot: { type: 'object', properties: { at: { type: 'number' } }, required: ['at'] } },
    },
  },
  { name: 'list_files' },
  {
    name: 'walk',
    parameters: {
      type: 'object',
      properties: { node: { $ref: '#/definitions/node' }, fast: { type: 'boolean' } },
      definitions: {
        node: { type: 'object', properties: { next: { $ref: '#/definitions/node' } } },
      },
    },
  },
]

/** Where texts are empty, or follow each other. */
function untidy(parts: readonly ForcedPart[]): ForcedPart[] {
  return parts.flatMap((part, at) => {
    const before = parts[at - 1]
    const bad = 'text' in part && (part.text === '' || (before !== undefined && 'text' in before))
    const inner = 'oneOf' in part ? part.oneOf : 'repeat' in part ? [part.repeat] : []
    return [...(bad ? [part] : []), ...inner.flatMap(untidy)]
  })
}

/** Any text that the parts allow. */
function allowed(parts: readonly ForcedPart[]): fc.Arbitrary<string> {
  return fc.tuple(...parts.map(textOf)).map((texts) => texts.join(''))
}

function textOf(part: ForcedPart): fc.Arbitrary<string> {
  if ('text' in part) return fc.constant(part.text)
  if ('json' in part) return valueOf(part.json, part.json).map((value) => JSON.stringify(value))
  if ('textBefore' in part) {
    const pieces = fc.constantFrom('a', '<', '>', '/', '"', '\n', '{', '\\', 'ส', ' ', '42')
    return fc
      .string({ unit: pieces, maxLength: 8 })
      .filter((text) => !text.includes(part.textBefore))
  }
  if ('oneOf' in part) return fc.oneof(...part.oneOf.map(allowed))
  return fc.array(allowed(part.repeat), { maxLength: 2 }).map((texts) => texts.join(''))
}

function valueOf(schema: JsonSchema, root: JsonSchema, depth = 2): fc.Arbitrary<unknown> {
  const reference = schema['$ref'] as string | undefined
  if (reference !== undefined) {
    const [, group = '', name = ''] = reference.split('/')
    const groups = root[group] as Record<string, JsonSchema> | undefined
    return valueOf(groups?.[name] ?? {}, root, depth)
  }
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]))
  switch (schema['type']) {
    case 'integer':
      return fc.nat()
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true })
    case 'boolean':
      return fc.boolean()
    case 'array':
      return fc.array(valueOf((schema['items'] ?? {}) as JsonSchema, root, depth), { maxLength: 2 })
    case 'object': {
      const properties = (depth > 0 ? (schema['properties'] ?? {}) : {}) as Record<
        string,
        JsonSchema
      >
      const entries = Object.entries(properties)
      const requiredKeys = (schema['required'] ?? []) as string[]
      return fc.record(
        Object.fromEntries(entries.map(([key, one]) => [key, valueOf(one, root, depth - 1)])),
        { requiredKeys },
      )
    }
    default:
      return fc.string({ maxLength: 4 })
  }
}

describe.each(FAMILIES.filter((family) => family !== 'plain'))('a forced call of %s', (family) => {
  const format = FORMATS[family]

  test('is read as calls of the tools alone, whatever it allows', () => {
    const choices = fc.record({
      tools: fc.subarray(TOOLS, { minLength: 1 }),
      ...{ parallel: fc.boolean(), insideReasoning: fc.boolean() },
    })
    const forced = choices.chain(({ insideReasoning, ...rest }) => {
      const options = {
        ...{ ...rest, insideReasoning: insideReasoning && format.reasoning !== undefined },
      }
      return fc.tuple(fc.constant(options), allowed(forcedCalls(format, options) ?? []))
    })
    fc.assert(
      fc.property(forced, ([{ tools, parallel, insideReasoning }, text]) => {
        const { content, calls } = parse(format, text, { tools, insideReasoning })
        expect(content).toBe('')
        expect(calls.length).toBeGreaterThan(0)
        if (!parallel) expect(calls).toHaveLength(1)
        for (const { name, json, outcome } of calls) {
          expect(outcome).toBe('complete')
          const { properties, required = [] } = (tools.find((tool) => tool.name === name)
            ?.parameters ?? {}) as { properties?: object; required?: string[] }
          const keys = Object.keys(JSON.parse(json) as object)
          expect(Object.keys(properties ?? {})).toEqual(expect.arrayContaining(keys))
          expect(keys).toEqual(expect.arrayContaining(required))
        }
      }),
      { numRuns: 300 },
    )
  })
})

test.each(FAMILIES)('the parts of %s have no empty texts and none side by side', (family) => {
  for (const parallel of [false, true]) {
    const options = { tools: TOOLS, parallel, insideReasoning: true }
    expect(untidy(forcedCalls(FORMATS[family], options) ?? [])).toEqual([])
  }
})

test('content without any stands before a forced call where content is marked', () => {
  const begin = (insideReasoning: boolean) =>
    forcedCalls(FORMATS['kimi-k3'], { tools: TOOLS, parallel: false, insideReasoning })
  const [response, end] = ['<|open|>response<|sep|>', '<|close|>response<|sep|>']
  const tools = '<|open|>tools<|sep|>'
  expect(begin(false)?.slice(0, 1)).toEqual([{ text: `${end}${tools}` }])
  expect(begin(true)?.slice(0, 2)).toEqual([
    { textBefore: '<|close|>think<|sep|>' },
    { text: `<|close|>think<|sep|>${response}${end}${tools}` },
  ])
})

test('lists and objects of a forced call are tags where the form has tags within tags', () => {
  const item = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }
  const properties = { a: { type: 'array', items: item } }
  const tools = [{ name: 'look', parameters: { type: 'object', properties, required: ['a'] } }]
  const options = { tools, parallel: false, insideReasoning: false }
  const M = ']<]minimax[>['
  expect(forcedCalls(FORMATS['minimax-m3'], options)).toEqual([
    { text: `${M}<tool_call>\n${M}<invoke name="look">${M}<a>` },
    {
      repeat: [
        { text: `${M}<item>${M}<n>` },
        { json: { type: 'number' } },
        { text: `${M}</n>${M}</item>` },
      ],
    },
    { text: `${M}</a>${M}</invoke>\n${M}</tool_call>` },
  ])
})

test('a family without calls forces none', () => {
  const options = { tools: TOOLS, parallel: false, insideReasoning: false }
  expect(forcedCalls(FORMATS.plain, options)).toBeUndefined()
})

test('a forced call is text around the schema of its arguments', () => {
  const tools = [{ name: 'look', parameters: { type: 'object' } }]
  expect(forcedCalls(FORMATS.hermes, { tools, parallel: false, insideReasoning: true })).toEqual([
    { textBefore: '</think>' },
    { text: '</think>\n\n<tool_call>\n{"name": "look", "arguments": ' },
    { json: { type: 'object' } },
    { text: '}\n</tool_call>' },
  ])
})
