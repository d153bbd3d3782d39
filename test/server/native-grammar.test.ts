import { beforeAll, describe, expect, test } from 'vitest'
import { loadBindings } from '../../server/engine/bindings.ts'
import { answerGrammar } from '../../server/engine/grammar/answer-grammar.ts'
import type { Bindings } from '../../server/engine/native.ts'
import { SCHEMA_CAPS, isWithinCaps } from '../../server/openai/json-schema-caps.ts'
import { parseGbnf, sampleGbnf } from '../helpers/gbnf-sampler.ts'
import { SCHEMAS, randomOf, shape } from '../helpers/json-schemas.ts'

let bindings: Bindings
beforeAll(async () => {
  const prebuilt = { compiled: false, key: 'prebuilt' }
  bindings = (await loadBindings({ gpu: false, threads: 1 }, prebuilt)).bindings
})

const compiled = (text: string) => new bindings.AddonGrammar(text, { addonExports: bindings })

test.each(Object.entries(SCHEMAS))(
  'llama.cpp reads the grammar as it is meant: %s',
  (_name, schema) => {
    const text = answerGrammar([{ json: schema }])
    const grammar = compiled(text)
    const random = randomOf(3)
    const rules = parseGbnf(text)
    for (let draw = 0; draw < 20; draw++) {
      const answer = sampleGbnf(rules, random)
      expect([answer, grammar.isTextCompatible(answer)]).toEqual([answer, true])
      expect([answer, grammar.isTextCompatible(`${answer}}`)]).toEqual([`${answer}`, false])
    }
  },
)

/** The largest that the caps let through, of each kind. */
const keys = Array.from({ length: SCHEMA_CAPS.properties }, (_, at) => `k${at}`)
const nested = (depth: number): object =>
  depth === 0 ? { type: 'string' } : shape({ a: nested(depth - 1) })
const lists = (depth: number): object =>
  depth === 0 ? {} : { type: 'array', items: lists(depth - 1) }
const BOMBS: Record<string, object> = {
  'a thousand optional members': shape(Object.fromEntries(keys.map((key) => [key, {}]))),
  'a thousand required members': shape(Object.fromEntries(keys.map((key) => [key, { const: 1 }])), {
    required: keys,
  }),
  'a thousand values': { enum: keys },
  'deep objects': nested(SCHEMA_CAPS.depth - 1),
  'deep lists': lists(SCHEMA_CAPS.depth - 1),
  'a long text': { type: 'string', minLength: 999_999, maxLength: 1_000_000 },
  'a long list of long texts': {
    ...{ type: 'array', minItems: 99_999, items: { type: 'string', minLength: 99_999 } },
  },
  'a chain of references': {
    $ref: '#/$defs/d0',
    $defs: Object.fromEntries(
      Array.from({ length: 900 }, (_, at) => [
        `d${at}`,
        at === 899 ? {} : { $ref: `#/$defs/d${at + 1}` },
      ]),
    ),
  },
  'nothing but itself': { $ref: '#' },
  'a pattern that may be empty, again and again': { type: 'string', pattern: '^((a?)*)*$' },
  'a pattern with many ways': { type: 'string', pattern: `^${'(a|a?)'.repeat(200)}$` },
  'a pattern of nested repetitions': {
    type: 'string',
    pattern: '^(((a{1000}){1000}){1000}){1000}$',
  },
  'any of any of any': Array.from({ length: 28 }).reduce<object>(
    (inner) => ({ anyOf: [inner, inner] }),
    {},
  ),
}

describe('a schema as large as the caps allow is a grammar or refused, soon, and ends nothing', () => {
  test.each(Object.entries(BOMBS))('%s', (_name, schema) => {
    const before = performance.now()
    if (isWithinCaps(schema)) {
      let text: string | undefined
      try {
        text = answerGrammar([{ json: schema }])
        compiled(text)
      } catch (error) {
        expect((error as Error).message).toMatch(
          text === undefined ? /./ : /Failed to parse grammar/,
        )
      }
    }
    expect(performance.now() - before).toBeLessThan(5000)
  })
})
