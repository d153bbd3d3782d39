import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerGrammar } from '../../server/engine/grammar/answer-grammar.ts'
import { SchemaError } from '../../server/engine/grammar/schema-error.ts'
import { parseGbnf, sampleGbnf } from '../helpers/gbnf-sampler.ts'
import { SCHEMAS, randomOf, shape } from '../helpers/json-schemas.ts'

const ajv = new Ajv2020({ strict: false, validateFormats: true })
addFormats.default(ajv)

/** Texts that the grammar of a schema allows, drawn at random. */
function texts(schema: unknown, count = 60): string[] {
  const rules = parseGbnf(answerGrammar([{ json: schema }]))
  const random = randomOf(7)
  return Array.from({ length: count }, () => sampleGbnf(rules, random))
}

describe('what the grammar of a schema allows', () => {
  test.each(Object.entries(SCHEMAS))('is valid: %s', (_name, schema) => {
    const validate = ajv.compile(schema)
    const seen = new Set(texts(schema))
    for (const text of seen) {
      const valid = validate(JSON.parse(text))
      expect([text, valid, validate.errors]).toEqual([text, true, null])
    }
    expect(seen.size).toBeGreaterThan(1)
  })

  test('is JSON of any kind where the schema says nothing', () => {
    const kinds = new Set(texts(true, 300).map((text) => typeof JSON.parse(text)))
    expect(kinds).toEqual(new Set(['object', 'string', 'number', 'boolean']))
  })

  test('never has a member twice that is named, however it is written', () => {
    const schema = shape({ a: { const: 1 } }, { required: ['a'], additionalProperties: true })
    for (const text of texts(schema, 300)) {
      expect(JSON.parse(text)).toMatchObject({ a: 1 })
    }
  })
})

const REFUSED: [name: string, schema: unknown, pointer: string, says: string][] = [
  ['nothing', false, '', 'no value'],
  ['what is no schema', { properties: 5 }, '/properties', 'an object'],
  ['an unknown type', { type: 'text' }, '/type', 'one or more of'],
  ['not', shape({ a: { not: {} } }), '/properties/a/not', 'not supported'],
  ['keys by a pattern', { patternProperties: {} }, '/patternProperties', 'not supported'],
  ['different items', { type: 'array', uniqueItems: true }, '/uniqueItems', 'not supported'],
  ['multiples', { type: 'integer', multipleOf: 7 }, '/multipleOf', 'step'],
  ['bounds with nothing between them', { type: 'integer', minimum: 5, maximum: 4 }, '', 'bounds'],
  ['a minimum beyond all numbers', { type: 'number', minimum: 1e300 }, '', 'bounds'],
  ['references elsewhere', { $ref: 'https://example.com/x' }, '/$ref', 'into this schema'],
  ['references to nothing', { $ref: '#/$defs/no' }, '/$ref', 'is there'],
  ['a look ahead', { type: 'string', pattern: 'a(?=b)' }, '/pattern', 'looks around'],
  ['a back reference', { type: 'string', pattern: '(a)\\1' }, '/pattern', '"\\1"'],
  ['a pattern with a length', { type: 'string', pattern: 'a', maxLength: 3 }, '/pattern', 'length'],
  [
    'one of, when both may be valid',
    { oneOf: [{ type: 'integer' }, { type: 'number' }] },
    '/oneOf',
    'differ',
  ],
  [
    'a member that may not be there',
    { required: ['a'], additionalProperties: false },
    '/required',
    'may be there',
  ],
  [
    'all of, when one is closed',
    { allOf: [shape({ a: {} }, { additionalProperties: false }), shape({ b: {} })] },
    '/additionalProperties',
    'no more',
  ],
  [
    'a part of a path that has / and ~',
    shape({ 'a/b~': { not: {} } }),
    '/properties/a~1b~0/not',
    'not supported',
  ],
  [
    'too much',
    shape(Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`k${i}`, {}]))),
    '',
    'fewer',
  ],
]

test.each(REFUSED)('%s is refused, with the place', (_name, schema, pointer, says) => {
  const refusal = () => answerGrammar([{ json: schema }])
  expect(refusal).toThrow(SchemaError)
  expect(refusal).toThrow(says)
  try {
    refusal()
  } catch (error) {
    expect((error as SchemaError).pointer).toBe(pointer)
  }
})

test('a schema that takes long to write out is given up', () => {
  let now = 0
  const slow = () => (now += 1)
  expect(() => answerGrammar([{ json: SCHEMAS['named members and others'] }], slow)).not.toThrow()
  const big = shape(
    Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`k${i}`, { type: 'string', maxLength: i + 1 }]),
    ),
  )
  expect(() => answerGrammar([{ json: big }], slow)).toThrow('fewer')
})

test('numbers within any whole bounds are all of them and no others', () => {
  const bound = fc.integer({ min: -1200, max: 1200 })
  fc.assert(
    fc.property(bound, bound, (a, b) => {
      const [minimum, maximum] = [Math.min(a, b), Math.max(a, b)]
      const rules = parseGbnf(answerGrammar([{ json: { type: 'integer', minimum, maximum } }]))
      const random = randomOf(a * 3001 + b)
      for (let draw = 0; draw < 30; draw++) {
        const value = JSON.parse(sampleGbnf(rules, random)) as number
        expect(value).toBeGreaterThanOrEqual(minimum)
        expect(value).toBeLessThanOrEqual(maximum)
      }
    }),
    { numRuns: 200 },
  )
})

describe('parts of an answer', () => {
  const draw = (parts: Parameters<typeof answerGrammar>[0]) => {
    const random = randomOf(11)
    const rules = parseGbnf(answerGrammar(parts))
    return Array.from({ length: 100 }, () => sampleGbnf(rules, random))
  }

  test('stand one after the other', () => {
    const call = (name: string) => [
      { text: `{"name": "${name}", "x": ` },
      { json: { type: 'integer' } },
      { text: '}' },
    ]
    const all = draw([
      { oneOf: [call('a'), call('b')] },
      { repeat: [{ text: '\n' }, ...call('c')] },
    ])
    for (const text of all) {
      const [first, ...rest] = text.split('\n').map((line) => JSON.parse(line))
      expect(['a', 'b']).toContain(first.name)
      for (const { name } of rest) expect(name).toBe('c')
    }
    expect(all.some((text) => text.includes('\n'))).toBe(true)
  })

  test('text before a mark never holds the mark', () => {
    for (const text of draw([{ textBefore: '</th</think>' }, { text: '</th</think>!' }])) {
      expect(text.indexOf('</th</think>')).toBe(text.length - '</th</think>!'.length)
    }
  })
})
