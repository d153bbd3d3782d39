import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chooseAddon, chosenOf } from '../../server/engine/addon.ts'
import { loadModel } from '../../server/engine/load-model.ts'
import { engineOptions, openEngine } from '../campaign/open-engine.ts'

const SIZES = { slots: 4, contextSize: 512 }
let folder: string

beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'serantau-cache-type-'))))
afterAll(() => rm(folder, { recursive: true }))

/** Bytes that saving a slot of as many tokens takes. */
async function bytesOfTokens(cacheType: 'f16' | 'q8_0' | 'q4_0', tokens: number): Promise<number> {
  const options = await engineOptions('smollm2', { ...SIZES, cacheType })
  const { context } = await loadModel(options, chosenOf(await chooseAddon()))
  if (!('save' in context)) throw new Error('not a model that answers')
  const prompt = Uint32Array.from({ length: tokens }, (_, at) => 1000 + at)
  await context.decode([{ slot: 0, position: 0, tokens: prompt }])
  return context.save(0, join(folder, cacheType))
}

test('keys and values take the memory of their type', async () => {
  const whole = await bytesOfTokens('f16', 128)
  expect((await bytesOfTokens('q8_0', 128)) / whole).toBeCloseTo(34 / 64, 1)
  expect((await bytesOfTokens('q4_0', 128)) / whole).toBeCloseTo(18 / 64, 1)
})

test.each(['q8_0', 'q4_0'] as const)(
  'with %s many at once answer as each alone, and a shared prefix is copied and not read again',
  async (cacheType) => {
    const engine = await openEngine('smollm2', { ...SIZES, cacheType })
    try {
      const common = Array.from({ length: 64 }, (_, at) => 1000 + 7 * at)
      const prompts = [1, 2, 3, 4].map((last) => [...common, 2000 + last])
      const alone: string[] = []
      for (const prompt of prompts) alone.push((await engine.ask(prompt)).text)
      const together = await Promise.all(prompts.map((prompt) => engine.ask(prompt)))
      expect(together.map(({ text }) => text)).toEqual(alone)
      expect(Math.max(...together.map(({ cachedTokens }) => cachedTokens))).toBeGreaterThan(60)
    } finally {
      await engine.close()
    }
  },
)
