import { CACHE_TYPES, type CacheType } from '../../catalog/cache-type.ts'
import type { ModelShape } from '../../catalog/model-shape.ts'

/** How a replica serves. */
export interface Layout {
  /** Tokens of one request. */
  contextSize: number
  /** Requests decoded at once. */
  slots: number
  cacheType: CacheType
  /** Tokens of a step at most; default: what the engine takes. */
  batchSize?: number
}

/** Bytes of a replica. */
export interface Memory {
  weights: number
  /** Keys and values of all slots. */
  cache: number
  /** What recurrent layers keep of all slots. */
  states: number
  /** What a step computes in. */
  compute: number
}

/** Tokens of a step (server/engine/load-model.ts). */
const BATCH = 512
/** llama.cpp rounds a slot's tokens up to these (llama-context.cpp, `n_ctx_seq`). */
const CELLS = 256
const F32 = 4
const F16 = 2

export const batchOf = ({ contextSize, slots, batchSize }: Layout): number =>
  Math.max(slots, Math.min(contextSize, batchSize ?? BATCH))

/** Of weights that take `weightBytes`, the tensors of the file. Pure; what the processes take beside it: overhead.ts. */
export function memoryOf(shape: ModelShape, weightBytes: number, layout: Layout): Memory {
  const { slots } = layout
  const states = shape.states
  return {
    weights: weightBytes,
    cache: slots * cellsOf(layout) * tokenBytes(shape, layout.cacheType),
    states:
      states === undefined ? 0 : slots * states.layers * (states.convolution + states.state) * F32,
    compute: computeBytes(shape, layout),
  }
}

export const bytesOfMemory = ({ weights, cache, states, compute }: Memory): number =>
  weights + cache + states + compute

const cellsOf = ({ contextSize }: Layout) => Math.ceil(contextSize / CELLS) * CELLS

/** Bytes that a token leaves in the cache. Windows save nothing: the engine keeps what they have passed. */
export const tokenBytes = (shape: ModelShape, type: CacheType): number =>
  shape.caches.reduce(
    (sum, { layers, keyWidth, valueWidth }) =>
      sum + layers * (keyWidth + valueWidth) * CACHE_TYPES[type],
    0,
  )

/**
 * What llama.cpp's graph allocator reserves for the largest step: of the widest place in a layer, or of the
 * logits, whichever is more. The numbers of values were found by comparing with what it reserves for models of
 * each kind (docs/reference/campaigns/planner.md, which prints how far they are off).
 */
function computeBytes(shape: ModelShape, layout: Layout): number {
  const { slots } = layout
  const values = Math.max(denseValues(shape), expertValues(shape), latentValues(shape))
  const perToken = values * F32 + inputBytes(shape, layout)
  const logits = slots * (shape.vocabulary + RESULT_ROWS * shape.embedding) * F32
  return Math.max(batchOf(layout) * perToken + rotationBytes(shape, layout), logits)
}

/** Keys and values are turned by a matrix each before a type that rounds more takes them. */
function rotationBytes({ keyLength }: ModelShape, { cacheType }: Layout): number {
  const side = keyLength & -keyLength
  return cacheType === 'f16' || side < LEAST_ROTATED ? 0 : 2 * side ** 2 * F32
}

/** Heads of other lengths than its multiples are not turned. */
const LEAST_ROTATED = 64
/** Rows of `embedding` beside the logits of a token. */
const RESULT_ROWS = 9

/** Three results of the feed-forward, the residual and its norms, and the queries. */
const denseValues = ({ embedding, feedForward, heads, keyLength, caches }: ModelShape) =>
  3 * feedForward + 3 * embedding + (isLatent(caches) ? 0 : heads * keyLength)

/** What each expert that is used gives, twice, and the residual. */
const expertValues = ({ embedding, experts }: ModelShape) =>
  experts === undefined ? 0 : (2 * experts.used + 3) * embedding

/** Queries in the latent space, what attention makes of them, and where both lie in order. */
const latentValues = ({ embedding, heads, keyLength, valueLength, caches }: ModelShape) =>
  isLatent(caches) ? heads * (keyLength + 2 * valueLength) + embedding : 0

const isLatent = (caches: ModelShape['caches']) => caches[0]?.valueWidth === 0

/** Token, position and cell numbers, and a mask over the cells: two where some layers have a window. */
function inputBytes({ caches }: ModelShape, layout: Layout): number {
  if (caches.length === 0) return 8
  const masks = caches.some(({ window }) => window !== undefined) ? 2 : 1
  return 8 + masks * (16 + cellsOf(layout) * F16)
}
