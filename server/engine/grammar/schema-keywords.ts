import { SchemaError, pointerTo } from './schema-error.ts'

/** A JSON schema or a part of one, as it was sent. */
export type Schema = boolean | SchemaObject
export type SchemaObject = { readonly [keyword: string]: unknown }

/** Say nothing of what is valid. */
const ANNOTATIONS = new Set([
  ...['title', 'description', 'default', 'examples', 'example', 'deprecated', 'readOnly'],
  ...['writeOnly', '$schema', '$id', '$comment', '$defs', 'definitions', '$anchor'],
  ...['contentEncoding', 'contentMediaType', 'discriminator', 'nullable', 'strict', 'name'],
])

/** Keywords of each type; those of other types say nothing of its values. */
export const OF_TYPE = {
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  object: ['properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems'],
  boolean: [],
  null: [],
} as const satisfies Record<string, readonly string[]>
export type JsonType = keyof typeof OF_TYPE
export const TYPES = Object.keys(OF_TYPE) as JsonType[]

const KNOWN = new Set<string>([
  ...ANNOTATIONS,
  ...['type', 'enum', 'const', '$ref', 'anyOf', 'oneOf', 'allOf'],
  ...Object.values(OF_TYPE).flat(),
])

export function schemaAt(value: unknown, pointer: string): Schema {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SchemaError(pointer, 'a schema is an object, true or false')
  }
  for (const keyword of Object.keys(value)) {
    // A keyword of somebody's own (x-..., or a misspelt one) constrains nothing, as the standard has it.
    if (KNOWN.has(keyword) || !RESERVED.has(keyword)) continue
    throw new SchemaError(pointerTo(pointer, keyword), `"${keyword}" is not supported`)
  }
  return value as SchemaObject
}

/** Keywords of JSON Schema that constrain and that no grammar here keeps. */
const RESERVED = new Set([
  ...['not', 'if', 'then', 'else', 'dependentRequired', 'dependentSchemas', 'dependencies'],
  ...['patternProperties', 'propertyNames', 'unevaluatedProperties', 'unevaluatedItems'],
  ...['contains', 'minContains', 'maxContains', 'additionalItems'],
  ...['$dynamicRef', '$recursiveRef'],
])

/** What else than annotations stands beside `keyword`. */
export const besides = (schema: SchemaObject, ...keywords: readonly string[]): string[] =>
  Object.keys(schema).filter(
    (each) => KNOWN.has(each) && !ANNOTATIONS.has(each) && !keywords.includes(each),
  )

/** A whole number from 0 on; undefined where there is none. */
export function countOf(
  schema: SchemaObject,
  keyword: string,
  pointer: string,
): number | undefined {
  const value = numberOf(schema, keyword, pointer)
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return value
  throw new SchemaError(pointerTo(pointer, keyword), 'a whole number from 0 on')
}

export function numberOf(
  schema: SchemaObject,
  keyword: string,
  pointer: string,
): number | undefined {
  const value = schema[keyword]
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value
  throw new SchemaError(pointerTo(pointer, keyword), 'a number')
}

export function listOf(schema: SchemaObject, keyword: string, pointer: string): readonly unknown[] {
  const value = schema[keyword]
  if (Array.isArray(value) && value.length > 0) return value
  throw new SchemaError(pointerTo(pointer, keyword), 'a list of at least one')
}

export function typesOf(schema: SchemaObject, pointer: string): readonly JsonType[] | undefined {
  const { type } = schema
  if (type === undefined) return undefined
  const types = Array.isArray(type) ? (type as unknown[]) : [type]
  const known = types.every((each) => (TYPES as unknown[]).includes(each))
  if (known && types.length > 0) return types as JsonType[]
  throw new SchemaError(pointerTo(pointer, 'type'), `one or more of ${TYPES.join(', ')}`)
}

export function typeOf(value: unknown): JsonType {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value as JsonType
}
