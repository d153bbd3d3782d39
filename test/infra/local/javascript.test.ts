import { expect, test } from 'vitest'
import { toJavaScript } from '../../../infra/local/image/javascript.ts'

const SOURCE = `import { a } from './a.ts'
import type { B } from '../b/b.ts'
/** A comment. */
export const load = async (b: B): Promise<unknown> => [a, b, await import('./engine/c.ts')]
`

test('types and comments go, imports of ours follow, and nothing else changes', () => {
  const files = toJavaScript(new Map([['server/x.ts', Buffer.from(SOURCE)]]))
  expect([...files.keys()]).toEqual(['server/x.js'])
  const text = files.get('server/x.js')?.toString()
  expect(text?.split('\n')).toEqual([
    `import { a } from "./a.js";`,
    `export const load = async (b) => [a, b, await import("./engine/c.js")];`,
    '',
  ])
})
