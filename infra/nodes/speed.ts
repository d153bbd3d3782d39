import type { Accelerator } from '../../catalog/accelerator.ts'
import type { ModelShape } from '../../catalog/model-shape.ts'
import { tokenBytes, type Layout } from './memory.ts'

const GIGABYTE = 1e9

export interface SpeedBound {
  /** Tokens a second of one answer. */
  one: number
  /** Of all slots together. */
  all: number
}

export interface Weighed {
  shape: ModelShape
  /** All weights, bytes. */
  weights: number
  /** Part of them that one token goes through. */
  activeShare: number
}

/**
 * Tokens a second that the memory's bandwidth allows at most, with half of each context filled: a step reads the
 * weights that its tokens need once, and the keys and values of each. Real servers reach a part of it. undefined: the
 * bandwidth is not known.
 */
export function speedBound(
  model: Weighed,
  layout: Layout,
  card: Pick<Accelerator, 'bandwidthGBs'>,
): SpeedBound | undefined {
  if (card.bandwidthGBs === undefined) return undefined
  // Layers are split among cards, and a token goes through one card after the other.
  const perSecond = card.bandwidthGBs * GIGABYTE
  const cache = tokenBytes(model.shape, layout.cacheType) * (layout.contextSize / 2)
  const one = perSecond / (model.weights * model.activeShare + cache)
  const step = model.weights * shareOf(model, layout.slots) + layout.slots * cache
  return { one, all: (layout.slots * perSecond) / step }
}

/** Part of the weights that the tokens of a step need: each takes its own experts, as if drawn by lot. */
function shareOf({ shape, activeShare }: Weighed, tokens: number): number {
  const { experts } = shape
  if (experts === undefined) return 1
  const used = experts.used / experts.count
  const ofExperts = 1 - (1 - used) ** tokens
  // What every token goes through, and the part of the weights that experts are.
  const inExperts = Math.min(1, (1 - activeShare) / (1 - used))
  return 1 - inExperts + inExperts * ofExperts
}
