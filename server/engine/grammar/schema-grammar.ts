import { literal } from './grammar-writer.ts'
import type { GrammarWriter } from './grammar-writer.ts'
import { integerWithin, numberWithin } from './json-number.ts'
import { objectGrammar, space } from './json-object.ts'
import type { Member, OtherMembers } from './json-object.ts'
import { stringGrammar } from './json-string.ts'
import { SchemaError, pointerTo } from './schema-error.ts'
import {
  OF_TYPE,
  TYPES,
  besides,
  countOf,
  listOf,
  numberOf,
  schemaAt,
  typeOf,
  typesOf,
} from './schema-keywords.ts'
import type { JsonType, SchemaObject } from './schema-keywords.ts'
import { areDisjoint, combined } from './schema-sets.ts'

const MOST_ITEMS = 100_000

/**
 * An expression for JSON values that are valid by `schema` (JSON Schema, draft 2020-12 and the older
 * names that it kept). It may allow less than the schema (members come in their order; members that the
 * schema does not name only where it says so), never more: what no grammar can keep is refused.
 * Throws SchemaError, GrammarTooLarge.
 */
export function schemaGrammar(writer: GrammarWriter, schema: unknown): string {
  return new SchemaGrammar(writer, schema).expression(schema, '')
}

/** Any JSON value, or one of a type. */
export function anyJson(writer: GrammarWriter, type?: JsonType): string {
  return new SchemaGrammar(writer, true).expression(type === undefined ? true : { type }, '')
}

class SchemaGrammar {
  readonly #writer: GrammarWriter
  readonly #root: unknown
  /** Rules by what they are referred to as: a schema may contain itself. */
  readonly #referred = new Map<string, string>()
  #any: string | undefined

  constructor(writer: GrammarWriter, root: unknown) {
    this.#writer = writer
    this.#root = root
  }

  expression(value: unknown, pointer: string): string {
    const schema = schemaAt(value, pointer)
    if (schema === false) throw new SchemaError(pointer, 'no value is valid here')
    if (schema === true) return this.#anyValue()
    if (schema['$ref'] !== undefined) return this.#reference(schema, pointer)
    if (schema['allOf'] !== undefined) return this.#all(schema, pointer)
    for (const keyword of ['anyOf', 'oneOf'] as const) {
      if (schema[keyword] !== undefined) return this.#either(schema, keyword, pointer)
    }
    if ('const' in schema || 'enum' in schema) return this.#listed(schema, pointer)
    return this.#typed(schema, pointer)
  }

  #reference(schema: SchemaObject, pointer: string): string {
    const [other] = besides(schema, '$ref')
    if (other !== undefined) return this.#all({ allOf: [schema] }, pointer)
    const reference = schema['$ref']
    const { target, at } = this.#resolved(reference, pointerTo(pointer, '$ref'))
    const known = this.#referred.get(at)
    if (known !== undefined) return known
    const name = this.#writer.reserve()
    this.#referred.set(at, name)
    this.#writer.define(name, this.expression(target, at))
    return name
  }

  #resolved(reference: unknown, where: string): { target: unknown; at: string } {
    if (typeof reference !== 'string' || !/^#(\/|$)/.test(reference)) {
      throw new SchemaError(where, 'a reference into this schema, such as "#/$defs/name"')
    }
    let target = this.#root
    const at = reference.slice(1)
    for (const part of at.split('/').slice(1)) {
      const key = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~')
      const held = typeof target === 'object' && target !== null && Object.hasOwn(target, key)
      if (!held) throw new SchemaError(where, 'a reference to something that is there')
      target = (target as Record<string, unknown>)[key]
    }
    return { target, at }
  }

  /** What all of them allow, as one schema. */
  #all(schema: SchemaObject, pointer: string): string {
    const parts: SchemaObject[] = []
    this.#flatten(schema, pointer, parts, 0)
    return this.expression(combined(parts, pointer), pointer)
  }

  #flatten(value: unknown, pointer: string, parts: SchemaObject[], depth: number): void {
    if (depth > 16 || parts.length > 64) throw new SchemaError(pointer, 'fewer parts of "allOf"')
    const schema = schemaAt(value, pointer)
    if (schema === false) throw new SchemaError(pointer, 'no value is valid here')
    if (schema === true) return
    const { allOf, $ref, ...own } = schema
    parts.push(own)
    if ($ref !== undefined) {
      const { target, at } = this.#resolved($ref, pointerTo(pointer, '$ref'))
      this.#flatten(target, at, parts, depth + 1)
    }
    if (allOf === undefined) return
    for (const [index, part] of listOf(schema, 'allOf', pointer).entries()) {
      this.#flatten(part, pointerTo(pointer, 'allOf', index), parts, depth + 1)
    }
  }

  #either(schema: SchemaObject, keyword: 'anyOf' | 'oneOf', pointer: string): string {
    const branches = listOf(schema, keyword, pointer)
    const where = (index: number) => pointerTo(pointer, keyword, index)
    const { [keyword]: _, ...rest } = schema
    const isAlone = besides(rest).length === 0
    if (keyword === 'oneOf') {
      const known = branches.map((branch, index) => this.#followed(branch, where(index)))
      if (!areDisjoint(known)) {
        throw new SchemaError(
          pointerTo(pointer, keyword),
          '"oneOf" whose schemas differ in type, or in a required member that is a constant; or "anyOf"',
        )
      }
    }
    const ways = branches.map((branch, index) =>
      isAlone
        ? this.expression(branch, where(index))
        : this.#all({ allOf: [rest, branch] }, where(index)),
    )
    return this.#writer.either(ways)
  }

  /** The schema that a reference leads to, for a look at it. */
  #followed(value: unknown, pointer: string, depth = 0): SchemaObject | undefined {
    const schema = schemaAt(value, pointer)
    if (typeof schema === 'boolean') return undefined
    if (schema['$ref'] === undefined || depth > 16) return schema
    const { target, at } = this.#resolved(schema['$ref'], pointerTo(pointer, '$ref'))
    return this.#followed(target, at, depth + 1)
  }

  #listed(schema: SchemaObject, pointer: string): string {
    const values = 'const' in schema ? [schema['const']] : listOf(schema, 'enum', pointer)
    const types = typesOf(schema, pointer)
    const [other] = besides(schema, 'const', 'enum', 'type')
    if (other !== undefined || ('const' in schema && 'enum' in schema)) {
      const detail = `"${other ?? 'enum'}" beside a list of values is not supported`
      throw new SchemaError(pointerTo(pointer, other ?? 'enum'), detail)
    }
    const fit = values.filter((value) => types === undefined || isOfType(value, types))
    if (fit.length === 0) throw new SchemaError(pointer, 'at least one value of that type')
    return this.#writer.either(fit.map((value) => literal(JSON.stringify(value))))
  }

  #typed(schema: SchemaObject, pointer: string): string {
    const types = typesOf(schema, pointer) ?? impliedTypes(schema)
    if (types === undefined) return this.#anyValue()
    // Every integer is a number: both are no more than that.
    const different = types.includes('number') ? types.filter((type) => type !== 'integer') : types
    return this.#writer.either(different.map((type) => this.#ofType(type, schema, pointer)))
  }

  #ofType(type: JsonType, schema: SchemaObject, pointer: string): string {
    switch (type) {
      case 'null':
        return '"null"'
      case 'boolean':
        return this.#writer.either(['"true"', '"false"'])
      case 'string':
        return stringGrammar(this.#writer, schema, pointer)
      case 'integer':
      case 'number':
        return this.#number(type, schema, pointer)
      case 'array':
        return this.#array(schema, pointer)
      case 'object':
        return this.#object(schema, pointer)
    }
  }

  #number(type: 'integer' | 'number', schema: SchemaObject, pointer: string): string {
    const step = numberOf(schema, 'multipleOf', pointer)
    const isWhole = type === 'integer' || step === 1
    if (step !== undefined && step !== 1) {
      throw new SchemaError(pointerTo(pointer, 'multipleOf'), 'no step but 1')
    }
    const bounds = boundsOf(schema, isWhole, pointer)
    const expression = (isWhole ? integerWithin : numberWithin)(this.#writer, bounds)
    if (expression === undefined) throw new SchemaError(pointer, 'bounds with numbers between them')
    return expression
  }

  #array(schema: SchemaObject, pointer: string): string {
    if (schema['uniqueItems'] === true) {
      throw new SchemaError(pointerTo(pointer, 'uniqueItems'), '"uniqueItems" is not supported')
    }
    const first = schema['prefixItems'] === undefined ? [] : listOf(schema, 'prefixItems', pointer)
    const least = Math.max(countOf(schema, 'minItems', pointer) ?? 0, first.length)
    const most = countOf(schema, 'maxItems', pointer)
    const { items = true } = schema
    const open = items !== false && (most === undefined || most > first.length)
    if (least > MOST_ITEMS || (most ?? least) < least || (!open && least > first.length)) {
      throw new SchemaError(pointer, `an array of ${least} items, which is not allowed or too long`)
    }
    const ws = space(this.#writer)
    const comma = `"," ${ws} `
    const listed = first.map((item, index) =>
      this.expression(item, pointerTo(pointer, 'prefixItems', index)),
    )
    if (!open) return bracketed(ws, listed.length === 0 ? '' : `${listed.join(` ${comma}`)} ${ws}`)
    const item = this.#writer.rule(this.expression(items, pointerTo(pointer, 'items')))
    const next = this.#writer.rule(`${comma}${item}`)
    const end = most === undefined ? undefined : Math.min(most, MOST_ITEMS)
    const more = (before: number) =>
      this.#writer.repeated(
        next,
        Math.max(0, least - before),
        end === undefined ? undefined : end - before,
      )
    if (listed.length > 0) {
      return bracketed(ws, `${listed.join(` ${comma}`)} ${more(listed.length)} ${ws}`)
    }
    const some = `${item} ${more(1)} ${ws}`
    return bracketed(ws, least === 0 ? this.#writer.optional(some) : some)
  }

  #object(schema: SchemaObject, pointer: string): string {
    const properties = membersOf(schema, pointer)
    const required = requiredOf(schema, pointer)
    const named = new Set(Object.keys(properties))
    const others = schema['additionalProperties'] ?? named.size === 0
    const missing = [...required].filter((key) => !named.has(key))
    if (missing.length > 0 && others === false && schema['additionalProperties'] === false) {
      throw new SchemaError(pointerTo(pointer, 'required'), 'members that may be there')
    }
    const where = pointerTo(pointer, 'additionalProperties')
    const members = Object.entries(properties).map(([key, value]): Member => ({
      ...{ key, required: required.has(key) },
      value: this.expression(value, pointerTo(pointer, 'properties', key)),
    }))
    const unnamed = schema['additionalProperties'] ?? true
    for (const key of missing) {
      members.push({ key, required: true, value: this.expression(unnamed, where) })
    }
    const rest = others === false ? undefined : { value: this.expression(others, where) }
    return objectGrammar(this.#writer, members, countedOthers(schema, members, rest, pointer))
  }

  #anyValue(): string {
    if (this.#any !== undefined) return this.#any
    const writer = this.#writer
    this.#any = writer.reserve()
    const ways = TYPES.filter((type) => type !== 'integer').map((type) =>
      writer.rule(this.#ofType(type, {}, '')),
    )
    writer.define(this.#any, ways.join(' | '))
    return this.#any
  }
}

/** White space stands in one place only: two that may be empty would be read in many ways. */
const bracketed = (ws: string, items: string) => `"[" ${ws} ${items} "]"`

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

const isOfType = (value: unknown, types: readonly JsonType[]) =>
  types.includes(typeOf(value)) || (typeOf(value) === 'integer' && types.includes('number'))

/** What a schema without a type speaks of: other values would be valid too, and nobody means them. */
function impliedTypes(schema: SchemaObject): readonly JsonType[] | undefined {
  const has = (type: JsonType) => OF_TYPE[type].some((keyword) => keyword in schema)
  const types = (['object', 'array', 'string', 'number'] as const).filter(has)
  return types.length === 0 ? undefined : types
}

function boundsOf(schema: SchemaObject, isWhole: boolean, pointer: string) {
  const [least, most] = [numberOf(schema, 'minimum', pointer), numberOf(schema, 'maximum', pointer)]
  const above = numberOf(schema, 'exclusiveMinimum', pointer)
  const below = numberOf(schema, 'exclusiveMaximum', pointer)
  // The next number that is written with so many decimals: a few that are allowed are left out.
  const step = isWhole ? 1 : 0.01
  const from = above === undefined ? undefined : isWhole ? Math.floor(above) + 1 : above + step
  const to = below === undefined ? undefined : isWhole ? Math.ceil(below) - 1 : below - step
  return { least: highest(least, from), most: lowest(most, to) }
}

const highest = (a: number | undefined, b: number | undefined) =>
  a === undefined ? b : b === undefined ? a : Math.max(a, b)
const lowest = (a: number | undefined, b: number | undefined) =>
  a === undefined ? b : b === undefined ? a : Math.min(a, b)

function membersOf(schema: SchemaObject, pointer: string): Readonly<Record<string, unknown>> {
  const { properties = {} } = schema
  if (typeof properties === 'object' && properties !== null && !Array.isArray(properties)) {
    return properties as Record<string, unknown>
  }
  throw new SchemaError(pointerTo(pointer, 'properties'), 'an object of schemas')
}

function requiredOf(schema: SchemaObject, pointer: string): ReadonlySet<string> {
  const { required = [] } = schema
  const isList = Array.isArray(required) && required.every((key) => typeof key === 'string')
  if (isList) return new Set(required)
  throw new SchemaError(pointerTo(pointer, 'required'), 'a list of names')
}

/** Members that are not named count as well, where a number of members is asked for. */
function countedOthers(
  schema: SchemaObject,
  members: readonly Member[],
  rest: { value: string } | undefined,
  pointer: string,
): OtherMembers | undefined {
  const least = countOf(schema, 'minProperties', pointer) ?? 0
  const most = countOf(schema, 'maxProperties', pointer)
  if (members.filter(({ required }) => required).length < least) {
    throw new SchemaError(pointerTo(pointer, 'minProperties'), 'as many required members')
  }
  if (most !== undefined && most < members.length) {
    throw new SchemaError(pointerTo(pointer, 'maxProperties'), 'room for all named members')
  }
  return rest && { ...rest, most: most === undefined ? undefined : most - members.length }
}
