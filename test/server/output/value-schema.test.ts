import { describe, expect, test } from 'vitest'
import { ANY_TYPE, ValueSchema, jsonOf } from '../../../server/openai/output/value-schema.ts'

const typesOf = (schema: unknown) => [...new ValueSchema(schema).types()].sort()

describe('the types that a schema admits', () => {
  test.each([
    [{ type: 'integer' }, ['number']],
    [{ type: ['string', 'null'] }, ['null', 'string']],
    [{ enum: ['a', 1, null, []] }, ['array', 'null', 'number', 'string']],
    [{ const: { a: 1 } }, ['object']],
    [{ oneOf: [{ type: 'string' }, { const: true }] }, ['boolean', 'string']],
    [{ allOf: [{ type: 'string' }, { type: ['string', 'number'] }] }, ['string']],
    [{ $ref: '#/$defs/a~1b', $defs: { 'a/b': { type: 'array' } } }, ['array']],
  ])('%j', (schema, types) => {
    expect(typesOf(schema)).toEqual(types)
  })

  test.each([
    ...[undefined, null, 'string', {}, { type: 'any' }, { type: 7 }, { $ref: '#/$defs/none' }],
    { $ref: 'https://example.com/schema' },
    { $ref: '#' },
    { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
    { anyOf: [{ $ref: '#' }, { type: 'string' }] },
  ])('are all where it does not say: %j', (schema) => {
    expect(new ValueSchema(schema).types()).toEqual(ANY_TYPE)
  })

  test('are those of its definitions, also within', () => {
    const root = {
      properties: { list: { items: { $ref: '#/definitions/name' } } },
      definitions: { name: { type: 'string' } },
      $defs: { none: {} },
    }
    const list = new ValueSchema(root).property('list')
    expect([...list.items().types()]).toEqual(['string'])
    expect(list.whole()).toEqual({
      ...{
        items: { $ref: '#/definitions/name' },
        definitions: root.definitions,
        $defs: root.$defs,
      },
    })
    expect(new ValueSchema(root).property('toString').types()).toEqual(ANY_TYPE)
  })
})

test('white space around a value that is no text is none of it', () => {
  expect(jsonOf(' True\n', new Set(['boolean']))).toBe('true')
  expect(jsonOf(' 1\n', new Set(['number']))).toBe('1')
  expect(jsonOf(' x\n', new Set(['number']))).toBe('" x\\n"')
})
