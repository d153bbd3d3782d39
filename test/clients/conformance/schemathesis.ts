import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PythonProcess } from '../python-process.ts'
import type { Service } from '../service.ts'
import type { Json } from './openapi-schemas.ts'
import { ownDocument } from './own-document.ts'

const SCRIPTS = join(import.meta.dirname, '..', 'python')
/** What is asked is the same every time. */
const SEED = 6
const STREAM = 'text/event-stream'

export interface SchemathesisSettings {
  /** Of each operation, drawn by chance. */
  examples: number
  /** `coverage`: beside them, every bound and every type of each field, in a set of its own. */
  phases: readonly ('coverage' | 'fuzzing')[]
  /** What it is told instead of the service's own document. */
  changed?: (document: Json) => Json
}

export interface SchemathesisRun {
  foundNothing: boolean
  /** As it printed it, with the seed. */
  report: string
  /** How many answers of each status, by operation. */
  answers: Record<string, Record<string, number>>
  /** Addresses other than this machine's that it asked for. */
  askedElsewhere: readonly string[]
}

/** Tries a service by its own OpenAPI document. Fails where schemathesis could not do its work. */
export async function runSchemathesis(
  service: Service,
  { examples, phases, changed = (document) => document }: SchemathesisSettings,
): Promise<SchemathesisRun> {
  const document = changed(await ownDocument(service))
  const python = await PythonProcess.start('conformance', service)
  try {
    const file = python.write('openapi.json', readable(document, service.model))
    const { origin } = new URL(service.baseURL)
    const { stdout, askedElsewhere } = await python.sh([
      ...[join(SCRIPTS, 'schemathesis.sh'), origin, file, `${examples}`, `${SEED}`],
      ...[phases.join(','), join(SCRIPTS, 'schemathesis_hooks.py')],
    ])
    const [, report = '', found] = /^([\s\S]*)^found: (\w+)\n$/m.exec(stdout) ?? []
    const answers = JSON.parse(readFileSync(join(python.home, 'answers.json'), 'utf8'))
    return { foundNothing: found === 'nothing', report, answers, askedElsewhere }
  } finally {
    python.close()
  }
}

/**
 * The document as schemathesis must have it. The model that a request names is the one that is served: to
 * others there is one answer alone. A stream is described by its events as OpenAPI 3.2 has them, with names
 * and data; 3.1 says nothing of streams, and ours describes what the data are, as OpenAI's document does.
 */
function readable(document: Json, model: string): string {
  return JSON.stringify(document, (key, value: { model?: { type?: unknown }; schema?: Json }) => {
    if (key === STREAM) return { schema: eventOf(value.schema) }
    const type = key === 'properties' ? value.model?.type : undefined
    if (type === undefined) return value
    const named = type === 'string' ? [model] : [model, null]
    return { ...value, model: { type, enum: named } }
  })
}

const eventOf = (schema: Json | undefined): Json => ({
  ...{ type: 'object', required: ['data'] },
  properties: {
    event: { type: 'string' },
    data: {
      anyOf: [
        { const: '[DONE]' },
        { type: 'string', contentMediaType: 'application/json', contentSchema: schema },
      ],
    },
  },
})
