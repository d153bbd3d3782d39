import { expect, test } from 'vitest'
import { openEngine, requestOf } from '../campaign/open-engine.ts'

/** Token ids of no particular text: what a small model does with a passage that it sees again is go on with it. */
const PASSAGE = Array.from({ length: 96 }, (_, at) => 1000 + ((at * 7919) % 20_000))
const PROMPT = [...PASSAGE, ...PASSAGE, ...PASSAGE.slice(0, 24)]

test('an answer that repeats its prompt is guessed, and is the same token for token', async () => {
  const answers: string[] = []
  const accepted: number[] = []
  for (const drafts of [false, true]) {
    const engine = await openEngine('smollm2', { drafts, contextSize: 512, slots: 8 })
    try {
      for (const temperature of [0, 0.2]) {
        const { text, tokens } = await engine.ask(PROMPT, {
          ...requestOf(PROMPT),
          ...{ temperature, seed: 3, maxTokens: 64, ignoreEos: true },
        })
        expect(tokens).toBe(64)
        answers.push(text)
      }
      accepted.push(engine.client.stats().drafts.accepted)
    } finally {
      await engine.close()
    }
  }
  expect(answers.slice(2)).toEqual(answers.slice(0, 2))
  expect(accepted[0]).toBe(0)
  expect(accepted[1]).toBeGreaterThan(16)
})
