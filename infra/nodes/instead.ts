import type { Accelerator } from '../../catalog/accelerator.ts'
import { CACHE_TYPE_IDS, type CacheType } from '../../catalog/cache-type.ts'
import { fitOf, type Cards } from './fit.ts'
import { memoryOf, type Layout } from './memory.ts'
import type { PlannedModel } from './plan.ts'

/** Below it no context is proposed, tokens. */
const LEAST_CONTEXT = 512

export interface Quantized {
  quantization: string
  weights: number
}

/** What would fit where a plan does not; undefined: nothing of the kind would. */
export interface Instead {
  /** Largest context that fits, of powers of two, tokens. */
  contextSize: number | undefined
  /** Most slots that fit. */
  slots: number | undefined
  /** The largest type of keys and values that fits. */
  cacheType: CacheType | undefined
  /** The largest file of the model that fits. */
  quantization: string | undefined
}

/** Changes one thing at a time, and leaves the others as they are. */
export function insteadOf(
  model: PlannedModel,
  layout: Layout,
  files: readonly Quantized[],
  card: Pick<Accelerator, 'memoryMiB'>,
  most: Cards = 8,
): Instead {
  const fits = (changed: Partial<Layout>, weights = model.weights) => {
    const memory = memoryOf(model.shape, weights, { ...layout, ...changed })
    return fitOf(memory, model.shape.layers, card, most).cards !== undefined
  }
  const smaller = files.filter(({ weights }) => weights < model.weights)
  const largestFirst = smaller.sort((a, b) => b.weights - a.weights)
  return {
    contextSize: contextsBelow(layout.contextSize).find((contextSize) => fits({ contextSize })),
    cacheType: smallerTypes(layout.cacheType).find((cacheType) => fits({ cacheType })),
    slots: below(layout.slots).find((slots) => fits({ slots })),
    quantization: largestFirst.find(({ weights }) => fits({}, weights))?.quantization,
  }
}

const smallerTypes = (cacheType: CacheType): readonly CacheType[] =>
  CACHE_TYPE_IDS.slice(CACHE_TYPE_IDS.indexOf(cacheType) + 1)

/** Largest first. */
function contextsBelow(contextSize: number): number[] {
  const largest = 2 ** Math.ceil(Math.log2(contextSize) - 1)
  const steps = Math.floor(Math.log2(largest / LEAST_CONTEXT)) + 1
  return Array.from({ length: Math.max(0, steps) }, (_, step) => largest / 2 ** step)
}

const below = (most: number) => Array.from({ length: most - 1 }, (_, at) => most - 1 - at)
