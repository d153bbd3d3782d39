/** How a tensor's values lie in a file: `bytes` for each `block` of values of a row. */
export interface TensorType {
  name: string
  block: number
  bytes: number
  /** What llama.cpp can compute with it: whole matrices, or nothing where weights stand. */
  weights: boolean
}

const K = 256
const weights = (name: string, block: number, bytes: number) => ({
  ...{ name, block, bytes, weights: true },
})
const noWeights = (name: string, block: number, bytes: number) => ({
  ...{ name, block, bytes, weights: false },
})

/**
 * Of llama.cpp at the commit that this kit is built from, by number (ggml.h `ggml_type`, sizes from
 * ggml-common.h, kernels from ggml-cpu.c); numbers that are missing were removed there, and no file with
 * them can be loaded.
 */
export const TENSOR_TYPES: Readonly<Record<number, TensorType>> = {
  0: weights('F32', 1, 4),
  1: weights('F16', 1, 2),
  2: weights('Q4_0', 32, 18),
  3: weights('Q4_1', 32, 20),
  6: weights('Q5_0', 32, 22),
  7: weights('Q5_1', 32, 24),
  8: weights('Q8_0', 32, 34),
  9: noWeights('Q8_1', 32, 36),
  10: weights('Q2_K', K, 84),
  11: weights('Q3_K', K, 110),
  12: weights('Q4_K', K, 144),
  13: weights('Q5_K', K, 176),
  14: weights('Q6_K', K, 210),
  15: noWeights('Q8_K', K, 292),
  16: weights('IQ2_XXS', K, 66),
  17: weights('IQ2_XS', K, 74),
  18: weights('IQ3_XXS', K, 98),
  19: weights('IQ1_S', K, 50),
  20: weights('IQ4_NL', 32, 18),
  21: weights('IQ3_S', K, 110),
  22: weights('IQ2_S', K, 82),
  23: weights('IQ4_XS', K, 136),
  24: noWeights('I8', 1, 1),
  25: noWeights('I16', 1, 2),
  26: noWeights('I32', 1, 4),
  27: noWeights('I64', 1, 8),
  28: noWeights('F64', 1, 8),
  29: weights('IQ1_M', K, 56),
  30: weights('BF16', 1, 2),
  34: weights('TQ1_0', K, 54),
  35: weights('TQ2_0', K, 66),
  39: weights('MXFP4', 32, 17),
  40: weights('NVFP4', 64, 36),
  41: weights('Q1_0', 128, 18),
  42: weights('Q2_0', 64, 18),
}
