/** Schemas as sets of values: what several allow together, and whether two allow the same. */
import { isDeepStrictEqual } from 'node:util'
import { SchemaError, pointerTo } from './schema-error.ts'
import type { JsonType, SchemaObject } from './schema-keywords.ts'
import { besides, typeOf, typesOf } from './schema-keywords.ts'

type Merge = (a: unknown, b: unknown) => unknown

const highest: Merge = (a, b) => Math.max(a as number, b as number)
const lowest: Merge = (a, b) => Math.min(a as number, b as number)

/** Keywords of which both sides' demands can be put in one; of others both must say the same. */
const MERGED: Readonly<Record<string, Merge>> = {
  ...{ minimum: highest, exclusiveMinimum: highest, minLength: highest, minItems: highest },
  ...{ maximum: lowest, exclusiveMaximum: lowest, maxLength: lowest, maxItems: lowest },
  ...{ minProperties: highest, maxProperties: lowest },
  required: (a, b) => [...new Set([...(a as unknown[]), ...(b as unknown[])])],
  enum: (a, b) =>
    (a as unknown[]).filter((value) =>
      (b as unknown[]).some((other) => isDeepStrictEqual(value, other)),
    ),
  properties: (a, b) => {
    const both = { ...(a as object) } as Record<string, unknown>
    for (const [key, value] of Object.entries(b as object)) {
      both[key] = Object.hasOwn(both, key) ? { allOf: [both[key], value] } : value
    }
    return both
  },
}

/** One schema of all. Throws SchemaError where no one schema says it. */
export function combined(parts: readonly SchemaObject[], pointer: string): SchemaObject {
  checkClosed(parts, pointer)
  const whole: Record<string, unknown> = {}
  for (const part of parts) {
    for (const keyword of besides(part)) {
      const [mine, theirs] = [whole[keyword], part[keyword]]
      if (!(keyword in whole) || isDeepStrictEqual(mine, theirs)) whole[keyword] = theirs
      else if (keyword === 'type') whole['type'] = commonTypes(whole, part, pointer)
      else {
        const merge = Object.hasOwn(MERGED, keyword) ? MERGED[keyword] : undefined
        const isSame = merge !== undefined && typeOf(mine) !== 'null' && sameKind(mine, theirs)
        if (!isSame) {
          const detail = `"${keyword}" once in all that must hold together`
          throw new SchemaError(pointerTo(pointer, keyword), detail)
        }
        whole[keyword] = merge(mine, theirs)
      }
    }
  }
  return whole
}

const sameKind = (a: unknown, b: unknown) =>
  Array.isArray(a) === Array.isArray(b) && typeof a === typeof b && b !== null

/** Members that one part does not name are not allowed by it, however much another names them. */
function checkClosed(parts: readonly SchemaObject[], pointer: string): void {
  const namesOf = (part: SchemaObject) =>
    typeof part['properties'] === 'object' && part['properties'] !== null
      ? Object.keys(part['properties'])
      : []
  for (const part of parts) {
    const { additionalProperties } = part
    if (additionalProperties === undefined || additionalProperties === true) continue
    const own = new Set(namesOf(part))
    if (parts.some((other) => namesOf(other).some((name) => !own.has(name)))) {
      const detail = 'no more members in what must hold together with it'
      throw new SchemaError(pointerTo(pointer, 'additionalProperties'), detail)
    }
  }
}

function commonTypes(a: SchemaObject, b: SchemaObject, pointer: string): readonly JsonType[] {
  const [mine, theirs] = [typesOf(a, pointer) ?? [], typesOf(b, pointer) ?? []]
  const fits = (type: JsonType, types: readonly JsonType[]) =>
    types.includes(type) || (type === 'integer' && types.includes('number'))
  const common = [
    ...mine.filter((type) => fits(type, theirs)),
    ...theirs.filter((type) => !mine.includes(type) && fits(type, mine)),
  ]
  if (common.length > 0) return common
  throw new SchemaError(pointerTo(pointer, 'type'), 'a type that all of them allow')
}

/** Whether no value can be valid by two of them, as far as one look tells; undefined: any value is. */
export function areDisjoint(schemas: readonly (SchemaObject | undefined)[]): boolean {
  return schemas.every((one, index) =>
    schemas.slice(index + 1).every((other) => one && other && differ(one, other)),
  )
}

function differ(one: SchemaObject, other: SchemaObject): boolean {
  const [values, others] = [valuesOf(one), valuesOf(other)]
  if (values && others) return noneIn(values, others)
  const [types, otherTypes] = [kindsOf(one), kindsOf(other)]
  if (types === undefined || otherTypes === undefined) return false
  if (noneIn(types, otherTypes)) return true
  const areObjects = [...types, ...otherTypes].every((type) => type === 'object')
  return areObjects && differInMember(one, other)
}

const noneIn = (a: readonly unknown[], b: readonly unknown[]) =>
  !a.some((value) => b.some((each) => isDeepStrictEqual(value, each)))

function valuesOf(schema: SchemaObject): readonly unknown[] | undefined {
  if ('const' in schema) return [schema['const']]
  return Array.isArray(schema['enum']) ? (schema['enum'] as unknown[]) : undefined
}

/** Types, with integers among numbers. */
function kindsOf(schema: SchemaObject): readonly string[] | undefined {
  const values = valuesOf(schema)
  const types = values?.map(typeOf) ?? typesOf(schema, '')
  return types?.map((type) => (type === 'integer' ? 'number' : type))
}

/** A required member of both has other constants in each, as a discriminator has. */
function differInMember(one: SchemaObject, other: SchemaObject): boolean {
  const required = (schema: SchemaObject) =>
    Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : []
  const member = (schema: SchemaObject, key: string) => {
    const properties = schema['properties'] as Record<string, unknown> | undefined
    const value = properties?.[key]
    return typeof value === 'object' && value !== null ? valuesOf(value as SchemaObject) : undefined
  }
  return required(one).some((key) => {
    if (typeof key !== 'string' || !required(other).includes(key)) return false
    const [mine, theirs] = [member(one, key), member(other, key)]
    return mine !== undefined && theirs !== undefined && noneIn(mine, theirs)
  })
}
