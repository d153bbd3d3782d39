import { expect, test } from 'vitest'
import { inParallel, openEngine } from '../campaign/open-engine.ts'

const PROMPTS = Array.from({ length: 16 }, (_, prompt) =>
  Array.from({ length: 40 + 9 * prompt }, (_, at) => 1000 + (((at + 97 * prompt) * 7919) % 20_000)),
)

test('sixteen answers are the same with one thread as with one a core', async () => {
  const answers: string[][] = []
  for (const threads of [undefined, 1]) {
    const more = threads === undefined ? {} : { threads }
    const engine = await openEngine('gemma', { shaping: false, drafts: false, ...more })
    try {
      const said = await inParallel(PROMPTS, 16, (prompt) => engine.ask(prompt, { maxTokens: 32 }))
      expect(said.every(({ tokens }) => tokens > 0)).toBe(true)
      answers.push(said.map(({ text }) => text))
    } finally {
      await engine.close()
    }
  }
  expect(answers[1]).toEqual(answers[0])
  expect(new Set(answers[0]).size).toBeGreaterThan(1)
}, 300_000)
