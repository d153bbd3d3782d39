import { z } from 'zod'

/** What a schema may be at most. More than any real one; a grammar of it is written in milliseconds. */
export const SCHEMA_CAPS = {
  bytes: 65_536,
  depth: 32,
  /** Members of objects, in all of it. */
  properties: 1000,
  /** Values in lists of `enum`, in all of it. */
  enumValues: 1000,
  keyCharacters: 256,
} as const

const rule =
  `a JSON schema object of at most ${SCHEMA_CAPS.bytes} bytes, ${SCHEMA_CAPS.depth} levels, ` +
  `${SCHEMA_CAPS.properties} properties and ${SCHEMA_CAPS.enumValues} enum values`

/** A field that holds a JSON schema. Whether it can be kept is for the engine to say. */
export const jsonSchemaField = z
  .record(z.string(), z.unknown(), rule)
  .refine((schema) => isWithinCaps(schema), rule)

/** Whether a schema that came as JSON is small enough to be worked on. Stops as soon as it is not. */
export function isWithinCaps(schema: unknown): boolean {
  const left = {
    bytes: SCHEMA_CAPS.bytes,
    properties: SCHEMA_CAPS.properties,
    enumValues: SCHEMA_CAPS.enumValues,
  }
  return fits(schema, 0, left)
}

interface Left {
  bytes: number
  properties: number
  enumValues: number
}

function fits(value: unknown, depth: number, left: Left): boolean {
  if (depth > 2 * SCHEMA_CAPS.depth) return false
  left.bytes -= typeof value === 'string' ? Buffer.byteLength(value) + 2 : 4
  if (left.bytes < 0) return false
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every((item) => fits(item, depth + 1, left))
  const entries = Object.entries(value)
  const { properties, enum: values } = value as Record<string, unknown>
  if (typeof properties === 'object' && properties !== null) {
    left.properties -= Object.keys(properties).length
  }
  if (Array.isArray(values)) left.enumValues -= values.length
  if (left.properties < 0 || left.enumValues < 0) return false
  return entries.every(([key, each]) => {
    left.bytes -= Buffer.byteLength(key) + 4
    return key.length <= SCHEMA_CAPS.keyCharacters && left.bytes >= 0 && fits(each, depth + 1, left)
  })
}
