/** JSON Schema in words, as far as the API's own schemas go. */
export type Schema = Readonly<Record<string, unknown>>

export interface Field {
  name: string
  required: boolean
  words: string
}

type Named = Readonly<Record<string, Schema>>

/** Deeper members are told by their name alone. */
const DEPTH = 2

/** Members of an object, or of what a reference leads to; of several kinds of object all members of each. */
export function fieldsOf(schema: Schema, named: Named): Field[] {
  const known = followed(schema, named)
  const kinds = choicesOf(known).filter(({ properties }) => properties !== undefined)
  const objects = known['properties'] === undefined ? kinds : [known]
  const fields = new Map<string, Field>()
  for (const each of objects) {
    const required = new Set((each['required'] ?? []) as string[])
    for (const [name, value] of Object.entries(each['properties'] as Record<string, Schema>)) {
      const always = required.has(name) && (fields.get(name)?.required ?? true)
      fields.set(name, { name, required: always, words: wordsOf(value, named) })
    }
  }
  // What only some of the kinds have is not always there.
  return [...fields.values()].map((field) => ({
    ...field,
    required: field.required && objects.every(({ properties }) => field.name in Object(properties)),
  }))
}

/** What a value may be. */
export function wordsOf(schema: Schema, named: Named, depth = DEPTH): string {
  const known = followed(schema, named)
  const { const: only, enum: values, type } = known
  if (only !== undefined) return code(only)
  if (Array.isArray(values)) return values.map(code).join(', ')
  const choices = choicesOf(known)
  if (choices.length > 0) {
    const ways = choices.filter((way) => way['type'] !== 'null')
    return [...new Set(ways.map((way) => wordsOf(way, named, depth)))].join(' or ')
  }
  const kinds = [type].flat().filter((kind) => kind !== 'null')
  return kinds.map((kind) => ofKind(String(kind), known, named, depth)).join(' or ')
}

function ofKind(kind: string, schema: Schema, named: Named, depth: number): string {
  const { items, properties, additionalProperties: others } = schema
  switch (kind) {
    case 'string':
      return `text${within(schema['minLength'], schema['maxLength'], 'characters')}`
    case 'integer':
      return `whole number${within(schema['minimum'], schema['maximum'])}`
    case 'number':
      return `number${within(schema['minimum'], schema['maximum'])}`
    case 'boolean':
      return '`true` or `false`'
    case 'array': {
      const of = items === undefined ? 'anything' : wordsOf(items as Schema, named, depth - 1)
      return `list${within(schema['minItems'], schema['maxItems'], 'items')} of: ${of}`
    }
    case 'object': {
      if (properties !== undefined) return membersIn(properties as Named, named, depth)
      const values =
        typeof others === 'object' && others !== null && Object.keys(others).length > 0
          ? ` of: ${wordsOf(others as Schema, named, depth - 1)}`
          : ''
      return `object${values}`
    }
    default:
      return 'anything'
  }
}

function membersIn(properties: Named, named: Named, depth: number): string {
  const members = Object.entries(properties).map(([name, value]) =>
    depth > 0 ? `\`${name}\` (${wordsOf(value, named, depth - 1)})` : `\`${name}\``,
  )
  return `object with ${members.join(', ')}`
}

const followed = (schema: Schema, named: Named): Schema => {
  const { $ref } = schema
  const name = typeof $ref === 'string' ? $ref.split('/').at(-1) : undefined
  return (name === undefined ? undefined : named[name]) ?? schema
}

const choicesOf = ({ anyOf, oneOf }: Schema): Schema[] => (anyOf ?? oneOf ?? []) as Schema[]

const code = (value: unknown) => `\`${JSON.stringify(value)}\``

/** The largest that JavaScript writes exactly, and that of 32 bits, bound nothing that a person would send. */
const UNBOUNDED = new Set([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 31 - 1])

function within(from: unknown, to: unknown, unit = ''): string {
  const [least, most] = [from, to].map((bound) =>
    typeof bound === 'number' && !UNBOUNDED.has(bound) ? bound : undefined,
  )
  const of = unit === '' ? '' : ` ${unit}`
  if (unit !== '' && least === 1 && most === undefined) return ' (not empty)'
  if (least !== undefined && most !== undefined) return ` (${least} to ${most}${of})`
  if (least !== undefined) return ` (at least ${least}${of})`
  return most === undefined ? '' : ` (at most ${most}${of})`
}
