import { MAX_DEPTH, choice, joined, optional } from './forced-part.ts'
import type { ForcedPart } from './forced-part.ts'
import type { ValueSchema } from './value-schema.ts'

/** An object with bare keys, those that are required first. */
export function bracedObject(schema: ValueSchema, quote: string, depth = MAX_DEPTH): ForcedPart[] {
  const keys = depth === 0 ? [] : schema.keys()
  const members = (wanted: boolean) =>
    keys
      .filter(({ required }) => required === wanted)
      .map(({ key }) => [
        { text: `${key}:` },
        ...bracedValue(schema.property(key), quote, depth - 1),
      ])
  return [{ text: '{' }, ...list(members(true), members(false)), { text: '}' }]
}

function list(required: ForcedPart[][], others: ForcedPart[][]): ForcedPart[] {
  const further = (member: ForcedPart[]) => optional([{ text: ',' }, ...member])
  const [first, ...rest] = required
  if (first !== undefined) {
    const needed = rest.flatMap((member) => [{ text: ',' }, ...member])
    return [...first, ...needed, ...others.map(further)]
  }
  if (others.length === 0) return []
  // Whichever comes first has no comma before it.
  const from = others.map((member, at) => [...member, ...others.slice(at + 1).map(further)])
  return choice([[], ...from])
}

function bracedValue(schema: ValueSchema, quote: string, depth: number): ForcedPart[] {
  const types = schema.types()
  if (types.has('string')) {
    const texts = schema.texts()?.map((text) => [{ text }])
    const value = texts ? choice(texts) : [{ textBefore: quote }]
    return [{ text: quote }, ...value, { text: quote }]
  }
  if (types.has('object')) return bracedObject(schema, quote, depth)
  if (!types.has('array')) return [{ json: schema.whole() }]
  if (depth === 0) return [{ text: '[]' }]
  const item = bracedValue(schema.items(), quote, depth - 1)
  const items = optional([...item, { repeat: joined([{ text: ',' }, ...item]) }])
  return [{ text: '[' }, items, { text: ']' }]
}
