import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HTTP_ERRORS } from '../../server/errors.ts'
import { OPERATIONS, openapiDocument } from '../../server/openai/openapi.ts'
import type { Operation } from '../../server/openai/openapi.ts'
import { fieldsOf } from './schema-words.ts'
import type { Schema } from './schema-words.ts'

export const EXAMPLES = join(import.meta.dirname, 'examples')
export const LANGUAGES = { sh: 'curl', py: 'Python', ts: 'TypeScript' } as const
export type Language = keyof typeof LANGUAGES

/** Of a route's examples, without the ending: `get-v1-models-id`. */
export const exampleName = ({ method, path }: Pick<Operation, 'method' | 'path'>): string =>
  [method, ...(path.match(/\w+/g) ?? [])].join('-')

interface Described {
  requestBody?: { content: { 'application/json': { schema: Schema } } }
  responses: Record<string, { content: Record<string, { schema: Schema }> }>
}

export function apiPage(note: string): string {
  const { paths, components } = openapiDocument(HTTP_ERRORS) as {
    paths: Record<string, Record<string, Described>>
    components: { schemas: Record<string, Schema> }
  }
  const sections = OPERATIONS.flatMap(({ method, path, summary, parameters = [] }) => {
    const { requestBody, responses } = paths[path]![method]!
    const body = requestBody?.content['application/json'].schema
    const { 'application/json': whole, 'text/event-stream': streamed } = responses['200']!.content
    return [
      `## ${method.toUpperCase()} ${path}`,
      '',
      `${summary}.`,
      '',
      ...parameters.map(parameterLine),
      ...(body === undefined
        ? []
        : ['**Body**', '', ...fieldTable(body, 'Required', components.schemas)]),
      '**Answer**',
      '',
      ...fieldTable(whole!.schema, 'Always', components.schemas),
      ...(streamed === undefined
        ? []
        : [
            `With \`"stream": true\` server-sent events come, each a \`${nameOf(streamed.schema)}\`.`,
            '',
          ]),
      ...examplesOf(exampleName({ method, path })),
    ]
  })
  return [
    '# The API, route by route',
    note,
    '',
    'Generated from the schemas that read the requests; the service itself tells the same at `GET /openapi.json` (OpenAPI 3.1) and, as a page, at `GET /docs`. What a field means, and what OpenAI, llama-server',
    'and vLLM do with it, is in [parameters](parameters.md); bounds of a whole request are in [limits](limits.md). Fields that are not listed are ignored, or refused where they are known and not supported.',
    'Errors have one shape on every route: [errors](errors.md#http). Each request carries the key: `Authorization: Bearer KEY`. Clients of others: [use the client that you have](../how-to/use-clients.md).',
    '',
    'The examples run as they stand, with these set, and tests run them. The model of the vectors is one that makes them.',
    '',
    '```sh',
    'export SERANTAU_BASE_URL=http://127.0.0.1:8080/v1',
    'export SERANTAU_API_KEY=...',
    'export SERANTAU_MODEL=smollm2-135m-instruct',
    '```',
    '',
    ...sections,
  ].join('\n')
}

function parameterLine({ name, in: place }: Readonly<Record<string, unknown>>): string {
  return `\`${String(name)}\` in the ${place === 'path' ? 'path' : 'query'}.\n`
}

function fieldTable(
  schema: Schema,
  required: 'Required' | 'Always',
  named: Readonly<Record<string, Schema>>,
): string[] {
  const rows = fieldsOf(schema, named).map(
    (field) => `| \`${field.name}\` | ${field.words} | ${field.required ? 'yes' : ''} |`,
  )
  return [`| Field | Value | ${required} |`, '|---|---|---|', ...rows, '']
}

const nameOf = (schema: Schema): string => String(schema['$ref']).split('/').at(-1) ?? ''

function examplesOf(name: string): string[] {
  return Object.entries(LANGUAGES).flatMap(([ending, language]) => {
    const code = readFileSync(join(EXAMPLES, `${name}.${ending}`), 'utf8').trimEnd()
    const fence = ending === 'py' ? 'python' : ending
    return [`${language}:`, '', `\`\`\`${fence}`, code, '```', '']
  })
}
