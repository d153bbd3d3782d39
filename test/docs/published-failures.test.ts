import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../helpers/project.ts'

const page = readFileSync(join(ROOT, 'docs/reference/published-failures.md'), 'utf8')
const rows = [...page.matchAll(/\| `(test\/\S+\.ts)`: (.+) \|$/gm)].map(
  ([, file = '', name = '']) => [file, name] as const,
)

test('every row names its test', () => {
  const lines = page.split('\n').filter((line) => line.startsWith('| '))
  expect(rows.length).toBe(lines.length - 1)
  expect(rows.length).toBeGreaterThan(20)
})

test.each(rows)('%s has the test "%s"', (file, name) => {
  // Names of the failures may stand behind it.
  expect(readFileSync(join(ROOT, file), 'utf8')).toContain(`'${name}`)
})
