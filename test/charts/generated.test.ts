import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { GatewayValuesSchema, ModelServerValuesSchema } from '../../catalog/index.ts'
import { generatedFiles } from '../../infra/serving/generate-schemas.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')
const files = generatedFiles()

test.each([...files.keys()])('%s is what `npm run generate` writes', (path) => {
  expect(readFileSync(join(ROOT, path), 'utf8')).toBe(files.get(path))
})

test('the schemas, the tables of values and the shared templates are generated', () => {
  expect([...files.keys()].sort()).toEqual([
    'charts/gateway/README.md',
    'charts/gateway/templates/_shared.tpl',
    'charts/gateway/values.schema.json',
    'charts/model-server/README.md',
    'charts/model-server/templates/_shared.tpl',
    'charts/model-server/values.schema.json',
    'docs/reference/stack-file.schema.json',
  ])
})

test('the schemas refer to nothing outside themselves, so that they work offline', () => {
  for (const [path, content] of files) {
    if (!path.endsWith('.json')) continue
    const references = [...content.matchAll(/"\$ref": "([^"]*)"/g)].map((match) => match[1])
    expect(references.filter((reference) => !reference?.startsWith('#'))).toEqual([])
    expect(JSON.parse(content)).toMatchObject({
      $schema: 'http://json-schema.org/draft-07/schema#',
      additionalProperties: false,
    })
  }
})

test('the regular expressions of the charts work in RE2, which Helm checks them with', () => {
  for (const schema of [GatewayValuesSchema, ModelServerValuesSchema]) {
    const text = JSON.stringify(z.toJSONSchema(schema, { io: 'input' }))
    expect(text).not.toMatch(/\(\?<?[=!]/)
  }
})

test('the table of values names a required value, a default and a nested one', () => {
  const readme = files.get('charts/model-server/README.md')
  expect(readme).toMatch(/\| `image` \| string \| required \|/)
  expect(readme).toMatch(/\| `startupSeconds` \| integer \| `900` \|/)
  expect(readme).toMatch(/\| `weights\.proxy\.https` \| string \|/)
})
