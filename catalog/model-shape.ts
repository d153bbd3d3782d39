import { z } from 'zod'

const Count = z.int().positive()

/** What a token leaves in the cache of some layers, in values; the cache's type says how many bytes each has. */
export const LayerCacheSchema = z.strictObject({
  layers: Count.describe('How many layers keep this'),
  keyWidth: Count.describe(
    'Values of a key: key heads x key length; with latent attention (MLA) rank + rotated dimensions',
  ),
  valueWidth: z.int().min(0).describe('Values of a value; 0 with latent attention'),
  window: Count.optional().describe(
    'Tokens that the layers look back over; absent: all. The engine keeps all of them, so that prefixes can be cut anywhere',
  ),
})
export type LayerCache = z.infer<typeof LayerCacheSchema>

/** What a sequence keeps in layers that carry a state instead of a cache, in 32-bit numbers, whatever its length. */
export const LayerStateSchema = z.strictObject({
  layers: Count,
  convolution: z.int().min(0).describe('Numbers of the last inputs of a convolution'),
  state: z.int().min(0).describe('Numbers of the recurrent state'),
})

export const ExpertsSchema = z.strictObject({
  count: Count.describe('In each layer that has them'),
  used: Count.describe('For a token, without those that are shared by all'),
  feedForward: Count.describe('Width of one'),
  shared: z.int().min(0).describe('Width of what every token goes through; 0: nothing'),
  layers: Count.describe('How many layers have them'),
})

/**
 * The numbers of a model from which its memory follows, in llama.cpp's terms: those of a file's header,
 * or of what its maker published.
 */
export const ModelShapeSchema = z.strictObject({
  architecture: z.string().describe('`general.architecture` of its files, e.g. qwen3moe'),
  layers: Count.describe('`block_count`, without those that only guess tokens ahead'),
  embedding: Count.describe('`embedding_length`'),
  vocabulary: Count.describe('Tokens'),
  feedForward: z.int().min(0).describe('Width of the widest dense layer; 0: all have experts'),
  heads: Count.describe('Query heads of the layer that has most'),
  keyLength: Count.describe('Of a head, as it is computed'),
  valueLength: Count.describe('Of a head, as it is computed'),
  caches: z.array(LayerCacheSchema).describe('Empty: no layer has attention'),
  states: LayerStateSchema.optional(),
  experts: ExpertsSchema.optional(),
})
export type ModelShape = z.infer<typeof ModelShapeSchema>
