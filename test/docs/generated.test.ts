import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { allGeneratedFiles } from '../../docs/reference/generate.ts'
import { ROOT } from '../helpers/project.ts'

const files = allGeneratedFiles()

test.each([...files.keys()])('%s is what `npm run generate` writes', (path) => {
  expect(readFileSync(join(ROOT, path), 'utf8')).toBe(files.get(path))
})

test('the reference lists every key of the stack file and both kinds of errors', () => {
  expect(files.get('docs/reference/stack-file.md')).toContain('| `jurisdiction.country` |')
  expect(files.get('docs/reference/errors.md')).toContain('| `STACK_FILE_INVALID` | 2 |')
  expect(files.get('docs/reference/errors.md')).toContain('| `context_length_exceeded` | 400 |')
})
