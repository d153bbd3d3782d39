import { MAX_DEPTH, choice, joined, optional } from './forced-part.ts'
import type { ForcedPart } from './forced-part.ts'
import type { Head, TaggedArguments } from './output-format.ts'
import { TEXT_ONLY } from './value-schema.ts'
import type { ValueSchema, ValueTypes } from './value-schema.ts'

export function headParts(head: Head, name: string, types: ValueTypes): ForcedPart[] {
  const begin = `${head.before}${head.prefix ?? ''}${name}${head.after}`
  return [{ text: begin }, ...(head.attributes?.write(types) ?? []), { text: head.open }]
}

/** Each property between its tags: those that are required first, each of the others or not. */
export function taggedMembers(
  schema: ValueSchema,
  style: TaggedArguments,
  depth = MAX_DEPTH,
): ForcedPart[] {
  return schema.keys().flatMap(({ key, required }) => {
    const name = style.entities ? withEntities(key) : key
    const member = taggedValue(schema.property(key), style, name, depth)
    return required ? member : [optional(member)]
  })
}

function taggedValue(
  schema: ValueSchema,
  style: TaggedArguments,
  name: string,
  depth: number,
): ForcedPart[] {
  const types = schema.types()
  const close = style.close.replace('KEY', () => name)
  const around = (value: readonly ForcedPart[], written: ValueTypes) => [
    ...[...headParts(style.key, name, written), ...value],
    { text: close },
  ]
  if (types.has('string')) {
    const texts = schema.texts()?.map((text) => [{ text }])
    return around(texts ? choice(texts) : [{ textBefore: close.trimEnd() }], TEXT_ONLY)
  }
  const inner = style.nested && depth > 0 ? nestedValue(schema, style, depth - 1) : undefined
  return around(inner ?? [{ json: schema.whole() }], types)
}

/** Undefined: nothing is within the value. */
function nestedValue(
  schema: ValueSchema,
  style: TaggedArguments,
  depth: number,
): ForcedPart[] | undefined {
  const types = schema.types()
  if (types.has('array')) {
    return [{ repeat: joined(taggedValue(schema.items(), style, 'item', depth)) }]
  }
  return types.has('object') ? taggedMembers(schema, style, depth) : undefined
}

const withEntities = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
