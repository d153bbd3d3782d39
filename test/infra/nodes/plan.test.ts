import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ACCELERATOR_IDS } from '../../../catalog/accelerator.ts'
import { ACCELERATORS } from '../../../catalog/accelerators/index.ts'
import { BASE_MODELS } from '../../../catalog/models/index.ts'
import { fitOf, usableBytes } from '../../../infra/nodes/fit.ts'
import { insteadOf } from '../../../infra/nodes/instead.ts'
import { bytesOfMemory, memoryOf, type Layout } from '../../../infra/nodes/memory.ts'
import { planOf } from '../../../infra/nodes/plan.ts'
import { ofRow } from '../../../infra/nodes/planned-model.ts'
import { speedBound } from '../../../infra/nodes/speed.ts'

const GIBIBYTE = 2 ** 30
const memory = (gibibytes: number) => ({
  ...{ weights: gibibytes * GIBIBYTE, cache: 0, states: 0, compute: 0 },
})
const card = (gibibytes: number) => ({ memoryMiB: gibibytes * 1024 + 768 })

const layouts = fc.record<Layout>({
  contextSize: fc.integer({ min: 64, max: 131_072 }),
  slots: fc.integer({ min: 1, max: 64 }),
  cacheType: fc.constantFrom('f16', 'q8_0', 'q4_0'),
})
const models = fc.constantFrom(...Object.values(BASE_MODELS)).map((row) => ofRow(row, undefined))
const cards = fc.constantFrom(...ACCELERATOR_IDS).map((id) => ACCELERATORS[id])

describe('cards of a replica', () => {
  it('are the fewest that hold it, of one node', () => {
    const cardsFor = (gibibytes: number) => fitOf(memory(gibibytes), 32, card(10)).cards
    expect([9, 10, 10.1, 20, 21, 41, 80, 81].map(cardsFor)).toEqual([
      1,
      1,
      2,
      2,
      4,
      8,
      8,
      undefined,
    ])
  })

  it('hold whole layers: one that carries a layer more must have room for it', () => {
    expect(fitOf(memory(19), 3, card(10)).cards).toBe(4)
  })

  it('are never fuller than they are', () => {
    fc.assert(
      fc.property(models, layouts, cards, ({ model }, layout, accelerator) => {
        const planned = memoryOf(model.shape, model.weights, layout)
        const { cards: count, fullest } = fitOf(planned, model.shape.layers, accelerator)
        if (count !== undefined) expect(fullest).toBeLessThanOrEqual(usableBytes(accelerator))
      }),
    )
  })
})

describe('what would fit instead', () => {
  it('fits, and is less than what was asked for', () => {
    fc.assert(
      fc.property(models, layouts, cards, ({ model, files }, layout, accelerator) => {
        const fits = (changed: Layout, weights = model.weights) =>
          fitOf(memoryOf(model.shape, weights, changed), model.shape.layers, accelerator).cards
        const { contextSize, slots, quantization } = insteadOf(model, layout, files, accelerator)
        if (contextSize !== undefined) {
          expect(contextSize).toBeLessThan(layout.contextSize)
          expect(fits({ ...layout, contextSize })).toBeDefined()
        }
        if (slots !== undefined) {
          expect(slots).toBeLessThan(layout.slots)
          expect(fits({ ...layout, slots })).toBeDefined()
        }
        const file = files.find((found) => found.quantization === quantization)
        if (file !== undefined) expect(fits(layout, file.weights)).toBeDefined()
      }),
    )
  })
})

describe('memory', () => {
  it('never falls as context or slots grow', () => {
    fc.assert(
      fc.property(models, layouts, ({ model }, layout) => {
        const of = (more: Partial<Layout>) =>
          bytesOfMemory(memoryOf(model.shape, model.weights, { ...layout, ...more }))
        expect(of({ contextSize: layout.contextSize + 1 })).toBeGreaterThanOrEqual(of({}))
        expect(of({ slots: layout.slots + 1 })).toBeGreaterThan(of({}))
      }),
    )
  })
})

describe('the bound of speed', () => {
  const dense = { shape: BASE_MODELS['qwen3-32b']!.shape, weights: 20e9, activeShare: 1 }
  const layout: Layout = { contextSize: 512, slots: 16, cacheType: 'f16' }

  it('is how often the bandwidth reads weights and half a context', () => {
    // 64 layers x 2048 values x 2 bytes x 256 tokens.
    const cache = 64 * 2048 * 2 * 256
    const one = speedBound(dense, layout, { bandwidthGBs: 1000 })?.one
    expect(one).toBeCloseTo(1e12 / (20e9 + cache), 6)
  })

  it('of all slots is more than that of one, because a step reads the weights once', () => {
    const { one, all } = speedBound(dense, layout, { bandwidthGBs: 1000 })!
    expect(all).toBeGreaterThan(10 * one)
    expect(all).toBeLessThan(16 * one)
  })

  it('gains less from slots where each token takes experts of its own', () => {
    const gain = (id: string) => {
      const { model } = ofRow(BASE_MODELS[id]!, undefined)
      const { one, all } = speedBound(model, layout, { bandwidthGBs: 1000 })!
      return all / one
    }
    expect(gain('qwen3-235b-a22b')).toBeLessThan(gain('qwen3-32b') / 2)
  })

  it('is not told where the bandwidth is not known', () => {
    expect(speedBound(dense, layout, { bandwidthGBs: undefined })).toBeUndefined()
  })
})

describe('a plan', () => {
  const { model } = ofRow(BASE_MODELS['qwen3-32b']!, undefined)
  const layout: Layout = { contextSize: 8192, slots: 4, cacheType: 'f16' }

  it('has a verdict for each accelerator', () => {
    expect(planOf(model, layout, 1).rows.map(({ id }) => id)).toEqual([...ACCELERATOR_IDS])
  })

  it('counts cards and money of all replicas, where a price is known', () => {
    const { rows } = planOf(model, layout, 3, { 'nvidia-l4': 0.7 })
    const verdictOf = (id: string) => rows.find((row) => row.id === id)?.verdict
    expect(verdictOf('nvidia-l4')).toMatchObject({ cards: 2, allCards: 6, cost: 6 * 0.7 })
    expect(verdictOf('nvidia-l40s')).toMatchObject({ cards: 1, allCards: 3, cost: undefined })
  })

  it('refuses Ascend with its reason', () => {
    const verdict = planOf(model, layout, 1).rows.find(({ id }) => id === 'huawei-ascend-910b')
    expect(verdict?.verdict).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('CANN'),
    })
  })
})
