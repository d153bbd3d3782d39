import { withAndWithout } from './with-and-without.ts'

/** No answer comes to its end: each has as many tokens as the others. */
const SCHEMA = {
  type: 'array',
  minItems: 200,
  items: {
    type: 'object',
    properties: {
      name: { type: 'string', minLength: 1 },
      age: { type: 'integer', minimum: 0, maximum: 150 },
      married: { type: 'boolean' },
      city: { enum: ['Kuching', 'Miri', 'Sibu', 'Bintulu'] },
      likes: { type: 'array', items: { type: 'string' } },
    },
    required: ['name', 'age', 'married', 'city', 'likes'],
    additionalProperties: false,
  },
}

export const JSON_SCHEMA = withAndWithout('JSON by a schema', 'schema', { schema: SCHEMA })
