/**
 * `npm run generate`: what is derived from the zod contracts and committed, so that people can use
 * a chart or check a stack file without our code. A test fails when a committed copy is stale.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { GatewayValuesSchema, ModelServerValuesSchema } from '../../catalog/chart-values.ts'
import { StackFileSchema } from '../../catalog/stack-file.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')
const CHARTS = { gateway: GatewayValuesSchema, 'model-server': ModelServerValuesSchema } as const

type JsonSchema = z.core.JSONSchema.BaseSchema

/** Path (from the project folder) and content of every generated file. */
export function generatedFiles(): Map<string, string> {
  const files = new Map<string, string>()
  const shared = read('charts/shared/_shared.tpl')
  for (const [name, schema] of Object.entries(CHARTS)) {
    const json = schemaOf(schema)
    const chart = `charts/${name}`
    files.set(`${chart}/templates/_shared.tpl`, shared)
    files.set(`${chart}/values.schema.json`, format(withGlobal(json)))
    const defaults: unknown = parse(read(`${chart}/values.yaml`))
    files.set(
      `${chart}/README.md`,
      withTable(read(`${chart}/README.md`), valuesTable(json, defaults)),
    )
  }
  files.set('docs/reference/stack-file.schema.json', format(schemaOf(StackFileSchema)))
  return files
}

/** Draft-07 is what Helm reads; nothing is referenced from elsewhere, so that it works offline. */
export function schemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { target: 'draft-7', io: 'input', reused: 'inline' })
}

/** Helm hands `global` to every chart. */
const withGlobal = (schema: JsonSchema): JsonSchema => ({
  ...schema,
  properties: { ...schema.properties, global: { type: 'object' } },
})

const format = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

const BEGIN = '<!-- values: generated, `npm run generate` -->'
const END = '<!-- /values -->'

function withTable(readme: string, table: string): string {
  const from = readme.indexOf(BEGIN)
  const to = readme.indexOf(END)
  if (from < 0 || to < 0) throw new Error(`README.md lacks the lines ${BEGIN} and ${END}`)
  return `${readme.slice(0, from)}${BEGIN}\n\n${table}\n${readme.slice(to)}`
}

export function valuesTable(schema: JsonSchema, defaults: unknown): string {
  const rows = rowsOf(schema, defaults, '', true)
  return ['| Value | Type | Default | Meaning |', '| --- | --- | --- | --- |', ...rows, ''].join(
    '\n',
  )
}

function rowsOf(
  schema: JsonSchema,
  defaults: unknown,
  prefix: string,
  required: boolean,
): string[] {
  if (schema.properties === undefined || Object.keys(schema.properties).length === 0) return []
  return Object.entries(schema.properties).flatMap(([key, value]) => {
    if (typeof value === 'boolean') return []
    const path = prefix === '' ? key : `${prefix}.${key}`
    const needed = required && (schema.required ?? []).includes(key)
    const fallback = (defaults as Record<string, unknown> | null | undefined)?.[key]
    const inner = rowsOf(nonNull(value), fallback, path, needed)
    if (inner.length > 0) return inner
    return [row(path, value, fallback, needed)]
  })
}

function row(path: string, schema: JsonSchema, fallback: unknown, required: boolean): string {
  const shown = fallback ?? schema.default
  const given =
    shown === undefined || shown === null
      ? required
        ? 'required'
        : ''
      : code(JSON.stringify(shown))
  const cells = [code(path), typeOf(schema), given, schema.description ?? '']
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return code(JSON.stringify(schema.const))
  if (schema.enum) return schema.enum.map((value) => code(JSON.stringify(value))).join(', ')
  const options = schema.anyOf ?? schema.oneOf
  if (options) return [...new Set(options.map(typeOf))].join(' or ')
  if (schema.type === 'array' && isSchema(schema.items)) return `list of ${typeOf(schema.items)}`
  if (schema.properties) return `{ ${Object.keys(schema.properties).join(', ')} }`
  return String(schema.type ?? 'any')
}

/** The object behind a nullable one, so that its fields get rows of their own. */
function nonNull(schema: JsonSchema): JsonSchema {
  const options = schema.anyOf?.filter((option) => option.type !== 'null')
  return options?.length === 1 && options[0] ? options[0] : schema
}

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const code = (text: string): string => `\`${text}\``
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

if (import.meta.main) {
  for (const [path, content] of generatedFiles()) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true })
    writeFileSync(join(ROOT, path), content)
    console.error(`wrote ${path}`)
  }
}
