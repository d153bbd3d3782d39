import { describe, expect, it } from 'vitest'
import { BASE_MODELS } from '../../../catalog/models/index.ts'
import { memoryOf } from '../../../infra/nodes/memory.ts'
import { plannedOf } from './planned-figure.ts'
import { PUBLISHED_FIGURES } from './published-figures.ts'

const LARGE = 5e9

describe('figures that others published', () => {
  it('are of at least eight large bases, and of every part that a plan has', () => {
    const bases = new Set(PUBLISHED_FIGURES.map(({ base }) => base))
    expect(bases.size).toBeGreaterThanOrEqual(8)
    for (const base of bases) expect(BASE_MODELS[base]!.parameters).toBeGreaterThan(LARGE)
    const parts = new Set(PUBLISHED_FIGURES.map(({ part }) => part))
    expect([...parts].sort()).toEqual(['bytes a token', 'cache', 'compute', 'weights'])
  })

  it.each(PUBLISHED_FIGURES)('$base, $part, $of: planned as stated', (figure) => {
    const { bytes, tolerance } = figure
    const difference = Math.abs(plannedOf(figure) / bytes - 1)
    expect(difference, tolerance.why).toBeLessThanOrEqual(tolerance.within)
  })

  it.each(PUBLISHED_FIGURES.filter(({ part }) => part === 'compute'))(
    '$base, $of: the plan is less, because the engine here leaves most logits out',
    (figure) => {
      if (figure.part !== 'compute') throw new TypeError('filtered')
      const { shape } = BASE_MODELS[figure.base]!
      expect(memoryOf(shape, 0, figure.layout).compute).toBeLessThan(figure.bytes)
    },
  )
})
