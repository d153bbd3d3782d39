import { z } from 'zod'
import { jsonSchemaField } from './json-schema-caps.ts'
import { isGiven } from './given.ts'

/** What the answer's text must be. */
export type ResponseFormat =
  | { kind: 'text' }
  /** One JSON object, any. */
  | { kind: 'json_object' }
  /** One JSON value that is valid by the schema. */
  | { kind: 'json_schema'; schema: Readonly<Record<string, unknown>> }

const formatRule =
  '{"type":"text"}, {"type":"json_object"} or {"type":"json_schema","json_schema":{"name","schema"}}'
const NamedSchemaSchema = z.object(
  {
    name: z.string('a string'),
    description: z.string('a string').nullish(),
    schema: jsonSchemaField,
    strict: z.boolean('true or false').nullish(),
  },
  'an object {"name","schema"}',
)

const responseFormatField = z
  .discriminatedUnion(
    'type',
    [
      z.object({ type: z.literal('text') }),
      z.object({
        type: z.literal('json_object'),
        // As llama-server takes it.
        schema: jsonSchemaField.nullish(),
      }),
      z.object({ type: z.literal('json_schema'), json_schema: NamedSchemaSchema }),
    ],
    formatRule,
  )
  .nullish()

/** Fields of a body that say what an answer's text must be. */
export const formatFields = {
  response_format: responseFormatField,
  /** As llama-server takes it: the schema itself. */
  json_schema: jsonSchemaField.nullish(),
}

export function responseFormatOf({
  response_format: format,
  json_schema: schema,
}: {
  response_format?: z.infer<typeof responseFormatField>
  json_schema?: Readonly<Record<string, unknown>> | null | undefined
}): ResponseFormat {
  if (!isGiven(format) && isGiven(schema)) return { kind: 'json_schema', schema }
  if (!isGiven(format) || format.type === 'text') return { kind: 'text' }
  if (format.type === 'json_schema')
    return { kind: 'json_schema', schema: format.json_schema.schema }
  return !isGiven(format.schema)
    ? { kind: 'json_object' }
    : { kind: 'json_schema', schema: format.schema }
}
