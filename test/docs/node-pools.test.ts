import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resolveModels } from '../../catalog/index.ts'
import { loadStackFile, stackFilePath } from '../../infra/stack-file.ts'
import { ROOT } from '../helpers/project.ts'

const folder = join(ROOT, 'docs/how-to')
const pages = readdirSync(folder).filter((name) => /^(node-pools-.*|gpu-stack)\.md$/.test(name))
const stackFiles = pages.flatMap((page) =>
  [...readFileSync(join(folder, page), 'utf8').matchAll(/```yaml\n(config:\n[\s\S]*?)```/g)].map(
    ([, text = ''], index) => [page, index, text] as const,
  ),
)

let project: string
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'serantau-docs-'))
})
afterAll(() => rm(project, { recursive: true }))

test('each page about pools of nodes has a stack file', () => {
  expect(pages.length).toBeGreaterThan(3)
  expect(pages.filter((page) => !stackFiles.some(([of]) => of === page))).toEqual([])
})

test.each(stackFiles)('the stack file of %s (%i) is accepted', async (page, index, text) => {
  const stack = `${page}-${index}`
  // What only its reader knows.
  const whole = text.replaceAll(/sha256:\.\.\.|<64 hex of your file>/g, (told) =>
    told.startsWith('sha256') ? `sha256:${'a'.repeat(64)}` : 'b'.repeat(64),
  )
  await writeFile(stackFilePath(project, stack), whole)
  expect(resolveModels(await loadStackFile(project, stack)).length).toBeGreaterThan(0)
})
