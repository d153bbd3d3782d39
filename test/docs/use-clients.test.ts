import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../helpers/project.ts'

/** From a line that begins a region, `docs: NAME`, to the one that ends it. */
const REGION = /^ *(?:\/\/|#) docs: (?!end$)(.+)\n([\s\S]*?)^ *(?:\/\/|#) docs: end$/gm
const BLOCK = /^```(?:ts|python|yaml|sh)\n([\s\S]*?)^```$/gm
/** What a person sets first, which is no client's. */
const SETTINGS = 'export SERANTAU_BASE_URL='

const page = readFileSync(join(ROOT, 'docs/how-to/use-clients.md'), 'utf8')
const blocks = [...page.matchAll(BLOCK)].map(([, block]) => block!.trimEnd())
const regions = globSync(join(ROOT, 'test/clients/**/*.{ts,py,sh,yaml}')).flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(REGION)].map(([, name, code]) => ({ name, code: code! })),
)

test.each(regions)('the page shows how $name is tested', ({ code }) => {
  expect(blocks).toContain(withoutIndent(code))
})

test('the page shows nothing that is not tested', () => {
  const others = blocks.filter((block) => !block.startsWith(SETTINGS))
  expect(others.sort()).toEqual(regions.map(({ code }) => withoutIndent(code)).sort())
  expect(others.length).toBeGreaterThanOrEqual(12)
})

function withoutIndent(code: string): string {
  const lines = code.trimEnd().split('\n')
  const indent = /^ */.exec(lines[0] ?? '')?.[0].length ?? 0
  return lines.map((line) => line.slice(indent)).join('\n')
}
