import { beforeAll, expect, inject, test } from 'vitest'
import { OPERATIONS } from '../../../server/openai/openapi.ts'
import type { Json } from './openapi-schemas.ts'
import { runSchemathesis } from './schemathesis.ts'
import type { SchemathesisRun } from './schemathesis.ts'

/** `npm run campaign -- schemathesis` asks more. */
const EXAMPLES = 50
/** The model that is served makes no vectors. */
const REFUSED = '/v1/embeddings'
const service = inject('service')
const phases = ['fuzzing'] as const

let run: SchemathesisRun
beforeAll(async () => {
  run = await runSchemathesis(service, { examples: EXAMPLES, phases })
})

test('no request gets a 5xx, and no answer is another than the document says', () => {
  expect(run.foundNothing, run.report).toBe(true)
})

test.each(OPERATIONS)('$method $path is answered, and what is wrong is refused', (operation) => {
  const { method, path } = operation
  const statuses = Object.keys(run.answers[`${method.toUpperCase()} ${path}`] ?? {})
  if (path !== REFUSED) expect(statuses).toContain('200')
  if (method === 'post') expect(statuses).toContain('400')
})

test('nobody is asked but the service', () => {
  expect(run.askedElsewhere).toEqual([])
})

test.each([
  ['a whole answer', '/v1/models', 'Models'],
  ['an event of a stream', '/v1/completions', 'Completion'],
])('%s that is not as the document says is found', async (_, path, schema) => {
  const changed = (document: Json) => {
    const { paths, components } = structuredClone(document) as unknown as Document
    components.schemas[schema]!.required.push('colour')
    return { ...document, paths: { [path]: paths[path] }, components }
  }
  const found = await runSchemathesis(service, { examples: 10, phases, changed })
  expect([found.foundNothing, found.report]).toEqual([false, expect.stringContaining('colour')])
})

interface Document {
  paths: Json
  components: { schemas: Record<string, { required: string[] }> }
}
