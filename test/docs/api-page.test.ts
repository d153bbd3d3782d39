import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { EXAMPLES, LANGUAGES, exampleName } from '../../docs/reference/api-page.ts'
import { fieldsOf, wordsOf } from '../../docs/reference/schema-words.ts'
import { OPERATIONS } from '../../server/openai/openapi.ts'

test('every route has an example in each language, and each example is of a route', () => {
  const wanted = OPERATIONS.flatMap((operation) =>
    Object.keys(LANGUAGES).map((ending) => `${exampleName(operation)}.${ending}`),
  )
  expect(new Set(wanted)).toHaveLength(OPERATIONS.length * 3)
  expect(readdirSync(EXAMPLES).sort()).toEqual(wanted.sort())
})

describe('a schema in words', () => {
  test.each([
    [{ type: 'integer', minimum: 1, maximum: 128 }, 'whole number (1 to 128)'],
    [
      { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
      'whole number (at least 0)',
    ],
    [{ type: ['boolean', 'null'] }, '`true` or `false`'],
    [{ anyOf: [{ type: 'string', minLength: 1 }, { type: 'null' }] }, 'text (not empty)'],
    [{ enum: ['a', null] }, '`"a"`, `null`'],
    [
      { type: 'array', maxItems: 4, items: { $ref: '#/x/Named' } },
      'list (at most 4 items) of: text',
    ],
    [{ type: 'object', properties: { a: { const: 'b' } } }, 'object with `a` (`"b"`)'],
  ])('%j', (schema, words) => {
    expect(wordsOf(schema, { Named: { type: 'string' } })).toBe(words)
  })

  test('of several kinds of object only what all of them need is needed', () => {
    const kind = (name: string) => ({
      ...{ type: 'object', required: ['both', name] },
      properties: { both: { type: 'string' }, [name]: { type: 'number' } },
    })
    const fields = fieldsOf({ anyOf: [kind('one'), kind('other')] }, {})
    expect(fields.map(({ name, required }) => [name, required])).toEqual([
      ...[
        ['both', true],
        ['one', false],
        ['other', false],
      ],
    ])
  })
})
