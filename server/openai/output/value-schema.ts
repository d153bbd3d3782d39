import type { JsonSchema } from './tool.ts'

export const VALUE_TYPES = ['string', 'number', 'boolean', 'null', 'object', 'array'] as const
export type ValueType = (typeof VALUE_TYPES)[number]
export type ValueTypes = ReadonlySet<ValueType>

export const ANY_TYPE: ValueTypes = new Set(VALUE_TYPES)
export const TEXT_ONLY: ValueTypes = new Set(['string'])
export const NO_TEXT: ValueTypes = new Set(VALUE_TYPES.filter((type) => type !== 'string'))

export const isTextOnly = (types: ValueTypes) => types.size === 1 && types.has('string')

/** How deep references and alternatives are followed: more than schemas need, and an end for those that go in circles. */
const MAX_STEPS = 16

/** A JSON schema where it says which types a value may have; what it does not say admits all. */
export class ValueSchema {
  readonly #schema: JsonSchema
  readonly #root: JsonSchema

  constructor(schema: unknown, root?: JsonSchema) {
    const given = isObject(schema) ? schema : {}
    this.#root = root ?? given
    this.#schema = resolve(given, this.#root)
  }

  types(): ValueTypes {
    return typesOf(this.#schema, this.#root, MAX_STEPS)
  }

  property(key: string): ValueSchema {
    const { properties } = this.#schema
    return new ValueSchema(isObject(properties) ? properties[key] : undefined, this.#root)
  }

  /** Keys of the object, those that it must have first. */
  keys(): { key: string; required: boolean }[] {
    const { properties, required } = this.#schema
    const needed = new Set<unknown>(Array.isArray(required) ? required : [])
    const keys = Object.keys(isObject(properties) ? properties : {})
    const all = keys.map((key) => ({ key, required: needed.has(key) }))
    return [...all.filter((entry) => entry.required), ...all.filter((entry) => !entry.required)]
  }

  items(): ValueSchema {
    return new ValueSchema(this.#schema['items'], this.#root)
  }

  /** The texts that the value may be, where the schema lists them. */
  texts(): string[] | undefined {
    const { enum: listed, const: only } = this.#schema
    const values: unknown[] | undefined = Array.isArray(listed) ? listed : wrap(only)
    return values?.every((value) => typeof value === 'string') === true ? values : undefined
  }

  /** The schema by itself: with the definitions that it refers to. */
  whole(): JsonSchema {
    const { $defs, definitions } = this.#root
    return {
      ...this.#schema,
      ...($defs === undefined ? {} : { $defs }),
      ...(definitions === undefined ? {} : { definitions }),
    }
  }
}

const wrap = (value: unknown) => (value === undefined ? undefined : [value])

const isObject = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Follows `$ref` within the schema's own document. */
function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
  let found = schema
  for (let step = 0; step < MAX_STEPS; step++) {
    const reference = found['$ref']
    if (typeof reference !== 'string') return found
    const target = reference.startsWith('#') ? at(root, reference.slice(1)) : undefined
    if (target === undefined) return {}
    found = target
  }
  return {}
}

function at(root: JsonSchema, pointer: string): JsonSchema | undefined {
  let value: unknown = root
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    value = isObject(value) ? value[key] : undefined
  }
  return isObject(value) ? value : undefined
}

function typesOf(given: unknown, root: JsonSchema, steps: number): ValueTypes {
  if (!isObject(given) || steps === 0) return ANY_TYPE
  const schema = resolve(given, root)
  const named = (wrap(schema['type'])?.flat() ?? []).flatMap(typeNamed)
  if (named.length > 0) return new Set(named)
  const listed = Array.isArray(schema['enum']) ? schema['enum'] : wrap(schema['const'])
  if (listed !== undefined) return new Set(listed.map(typeOfValue))
  const alternatives = schema['anyOf'] ?? schema['oneOf']
  if (Array.isArray(alternatives)) {
    return new Set(alternatives.flatMap((part) => [...typesOf(part, root, steps - 1)]))
  }
  const parts = schema['allOf']
  if (!Array.isArray(parts)) return ANY_TYPE
  return parts.map((part) => typesOf(part, root, steps - 1)).reduce(intersection, ANY_TYPE)
}

const intersection = (a: ValueTypes, b: ValueTypes) => new Set([...a].filter((type) => b.has(type)))

function typeNamed(name: unknown): ValueType[] {
  return name === 'integer' ? ['number'] : VALUE_TYPES.filter((type) => type === name)
}

function typeOfValue(value: unknown): ValueType {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return VALUE_TYPES.find((type) => type === typeof value) ?? 'null'
}

/** Type of the value that `json` is; undefined: it is no JSON. */
export function typeOfJson(json: string): ValueType | undefined {
  try {
    return typeOfValue(JSON.parse(json))
  } catch {
    return undefined
  }
}

/** As models that learned from Python write them. */
const PYTHON_WORDS: Readonly<Record<string, string>> = {
  True: 'true',
  False: 'false',
  None: 'null',
}

/** `text` as the JSON of a value with one of `types`: as it stands where it is such JSON, else as a string. */
export function jsonOf(text: string, types: ValueTypes): string {
  if (isTextOnly(types)) return quoteJson(text)
  const trimmed = text.trim()
  const json = (Object.hasOwn(PYTHON_WORDS, trimmed) ? PYTHON_WORDS[trimmed] : undefined) ?? trimmed
  const type = typeOfJson(json)
  if (type === undefined) return quoteJson(text)
  const fits = types.has('string') ? type !== 'string' && types.has(type) : true
  return fits ? json : quoteJson(text)
}

export const quoteJson = (text: string) => `"${escapeJson(text)}"`

/** Text within a JSON string; piece by piece it is the same as at once, also where a piece ends in half a character. */
export const escapeJson = (text: string) =>
  text.replace(/["\\\u0000-\u001f]/g, (char) => JSON.stringify(char).slice(1, -1))
