import { describe, expect, it } from 'vitest'
import type { ModelShape } from '../../../catalog/model-shape.ts'
import { memoryOf, type Layout } from '../../../infra/nodes/memory.ts'

const GROUPED: ModelShape = {
  ...{ architecture: 'llama', layers: 2, embedding: 64, vocabulary: 1000, feedForward: 128 },
  ...{ heads: 4, keyLength: 16, valueLength: 16 },
  caches: [{ layers: 2, keyWidth: 32, valueWidth: 32 }],
}
const layout = (more: Partial<Layout> = {}): Layout => ({
  ...{ contextSize: 512, slots: 2, cacheType: 'f16', ...more },
})

describe('memory of a replica', () => {
  it('holds a key and a value of each token in each layer, for every slot', () => {
    expect(memoryOf(GROUPED, 0, layout()).cache).toBe(2 * 512 * 2 * (32 + 32) * 2)
  })

  it("rounds a slot's tokens up to 256, as llama.cpp does", () => {
    const of = (contextSize: number) => memoryOf(GROUPED, 0, layout({ contextSize })).cache
    expect(of(257)).toBe(of(512))
    expect(of(256)).toBe(of(512) / 2)
  })

  it('takes 34 bytes for 32 values of q8_0, and 18 of q4_0', () => {
    const of = (cacheType: Layout['cacheType']) => memoryOf(GROUPED, 0, layout({ cacheType })).cache
    expect(of('q8_0') / of('f16')).toBe(34 / 64)
    expect(of('q4_0') / of('f16')).toBe(18 / 64)
  })

  it('keeps one latent vector of a token where attention is latent', () => {
    const latent = { ...GROUPED, caches: [{ layers: 2, keyWidth: 576, valueWidth: 0 }] }
    expect(memoryOf(latent, 0, layout()).cache).toBe(2 * 512 * 2 * 576 * 2)
  })

  it('saves nothing by windows, because the engine keeps what they have passed', () => {
    const windowed = { ...GROUPED, caches: [{ ...GROUPED.caches[0]!, window: 64 }] }
    const [plain, with64] = [GROUPED, windowed].map((shape) => memoryOf(shape, 0, layout()))
    expect(with64!.cache).toBe(plain!.cache)
  })

  it('keeps a state of a sequence whatever its length where layers are recurrent', () => {
    const recurrent: ModelShape = {
      ...{ ...GROUPED, caches: [] },
      states: { layers: 2, convolution: 30, state: 70 },
    }
    const of = (contextSize: number) => memoryOf(recurrent, 0, layout({ contextSize }))
    expect(of(512).states).toBe(2 * 2 * 100 * 4)
    expect(of(4096).states).toBe(of(512).states)
    expect(of(4096).cache).toBe(0)
  })

  it('computes in room for the logits of every slot where they are more than a layer takes', () => {
    const wide = { ...GROUPED, vocabulary: 1_000_000 }
    expect(memoryOf(wide, 0, layout({ slots: 64 })).compute).toBeGreaterThan(64 * 1_000_000 * 4)
  })
})
