/** Random numbers that a seed decides. */
export function randomOf(seed: number) {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** JSON schemas of every kind that an answer can be held to, by what is special about them. */
export const shape = (properties: object, more: object = {}) => ({
  type: 'object',
  properties,
  ...more,
})
const A_NODE = {
  ...{ type: 'object', required: ['value'], additionalProperties: false },
  properties: {
    value: { type: 'integer', minimum: -5, maximum: 120 },
    next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
  },
}

export const SCHEMAS: Record<string, object> = {
  'any object': { type: 'object' },
  'optional members': shape({ a: { type: 'string' }, b: { type: 'integer' }, c: { type: 'null' } }),
  'required among optional': shape(
    { a: { type: 'boolean' }, b: { type: 'number' }, c: { enum: ['x', 1, null, { d: [] }] } },
    { required: ['b'] },
  ),
  'named members and others': shape(
    { name: { type: 'string' }, nam: { type: 'integer' } },
    { additionalProperties: { type: 'integer' }, required: ['name'] },
  ),
  'other members by number': {
    ...{ type: 'object', additionalProperties: { type: 'boolean' }, maxProperties: 3 },
  },
  'a required member without a schema': { type: 'object', required: ['id'], properties: {} },
  itself: { $ref: '#/$defs/node', $defs: { node: A_NODE } },
  'a list in a list': {
    type: 'array',
    items: { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 3 },
    maxItems: 4,
  },
  'a tuple': {
    ...{ type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false },
  },
  'a tuple and more': {
    ...{ type: 'array', prefixItems: [{ const: 'a' }], items: { type: 'null' }, minItems: 2 },
    maxItems: 5,
  },
  'text of a length': { type: 'string', minLength: 2, maxLength: 5 },
  'text by a pattern': { type: 'string', pattern: '^[A-Z]{2,3}-\\d+(?:/[^"\\\\]?)?$' },
  'text that holds a pattern': { type: 'string', pattern: 'ab+c|\\s"' },
  'whole numbers within bounds': { type: 'integer', minimum: -1234, exclusiveMaximum: 56_789 },
  'whole numbers from': { type: 'integer', minimum: 18 },
  'negative whole numbers': { type: 'integer', maximum: -7 },
  'numbers within bounds': { type: 'number', minimum: 0, maximum: 1 },
  'numbers within narrow bounds': { type: 'number', minimum: 0.125, exclusiveMaximum: 0.375 },
  'numbers from': { type: 'number', exclusiveMinimum: 0 },
  'negative numbers': { type: 'number', minimum: -2.5, maximum: -0.5 },
  'several types': { type: ['string', 'integer', 'null'], maxLength: 3, minimum: 2 },
  'one of, told apart by a constant': {
    oneOf: ['cat', 'dog'].map((kind) => shape({ kind: { const: kind } }, { required: ['kind'] })),
  },
  'all of': {
    allOf: [
      { $ref: '#/$defs/base' },
      shape({ b: { type: 'integer', minimum: 3 } }, { required: ['b'] }),
    ],
    $defs: {
      base: shape(
        { a: { type: 'string' }, b: { type: 'integer', maximum: 9 } },
        { required: ['a'] },
      ),
    },
  },
  'any of with what they have in common': {
    ...shape({ kind: { type: 'string' } }),
    anyOf: [{ required: ['kind'] }, shape({ other: { type: 'null' } }, { required: ['other'] })],
  },
}
for (const format of [
  'date',
  'time',
  'date-time',
  'duration',
  'uuid',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uri',
]) {
  SCHEMAS[`the format ${format}`] = { type: 'string', format }
}
