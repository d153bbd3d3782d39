/**
 * Memory of large bases as others state it: in logs of llama.cpp and of its fork ik_llama.cpp, by makers and by
 * packagers. What the planner says of each: docs/reference/planner-figures.md.
 */
import type { ModelShape } from '../../../catalog/model-shape.ts'
import type { Layout } from '../../../infra/nodes/memory.ts'

export const MEBIBYTE = 2 ** 20
const GIBIBYTE = 2 ** 30
const GIGABYTE = 1e9

export interface Source {
  url: string
  /** On which it was stated; where that is not shown, on which it was read. */
  date: string
  /** `at`: its own text was read, there or in a stored copy. `quoted`: only what others say that it says. */
  seen: 'at' | 'quoted'
}

/** How far the planner may be off, as a part of what is stated, and why it may be. */
export interface Tolerance {
  within: number
  why: string
}

interface Stated {
  /** Of the catalogue. */
  base: string
  /** What it was stated of: file or type, tokens, program. */
  of: string
  bytes: number
  tolerance: Tolerance
  source: Source
}

export type PublishedFigure = Stated &
  (
    | { part: 'weights'; quantization: string }
    | { part: 'bytes a token' }
    | {
        part: 'cache'
        layout: Layout
        /** Where the file was made in another way than the catalogue's. */
        shape?: Partial<ModelShape>
      }
    /** All of them of builds that reserve logits of every token of a step. */
    | { part: 'compute'; layout: Layout }
  )

/** A log prints hundredths of a MiB. */
const LOGGED: Tolerance = { within: 0.001, why: 'hundredths of a MiB are printed' }
const rounded = (within: number, why: string): Tolerance => ({ within, why })
/** Builds differ in how many rows of `embedding` stand beside the logits: one here, two there. */
const LOGITS = rounded(0.04, 'one or two rows of the embedding beside the logits, by build')

const at = (url: string, date: string): Source => ({ url, date, seen: 'at' })
const fork = (thread: string, date: string) =>
  at(`https://github.com/ikawrakow/ik_llama.cpp/${thread}`, date)
const QWEN3_32B_ROW_SPLIT = fork('discussions/397', '2025-05-08')
const QWEN3_32B_VULKAN = fork('issues/503', '2025-06-07')
const ARM_CPU = fork('issues/539', '2025-06-19')
const QWEN3_235B = fork('discussions/357', '2025-04-30')
const R1_Q8 = fork('issues/285', '2025-03-17')
/** Not shown there, so read. */
const READ = '2026-11-28'

const f16 = (contextSize: number, more: Partial<Layout> = {}): Layout => ({
  ...{ contextSize, slots: 1, cacheType: 'f16', ...more },
})
const q8 = (contextSize: number) => f16(contextSize, { cacheType: 'q8_0' })

export const PUBLISHED_FIGURES: readonly PublishedFigure[] = [
  {
    ...{ base: 'qwen3-32b', part: 'cache', layout: f16(8192), bytes: 2048 * MEBIBYTE },
    ...{ of: 'f16, 8192 tokens', tolerance: LOGGED, source: QWEN3_32B_ROW_SPLIT },
  },
  {
    // Asked for 16768, which became 16896 there.
    ...{ base: 'qwen3-32b', part: 'cache', layout: q8(16_768), bytes: 2244 * MEBIBYTE },
    ...{ of: 'q8_0, 16768 tokens', tolerance: LOGGED, source: QWEN3_32B_VULKAN },
  },
  {
    ...{ base: 'qwen3-32b', part: 'cache', layout: f16(40_960), bytes: 10_240 * MEBIBYTE },
    ...{ of: 'f16, 40960 tokens', tolerance: LOGGED, source: ARM_CPU },
  },
  {
    ...{ base: 'qwen3-32b', part: 'compute', layout: q8(16_768), bytes: 306.75 * MEBIBYTE },
    ...{ of: 'steps of 512 tokens, Vulkan', tolerance: LOGITS, source: QWEN3_32B_VULKAN },
  },
  {
    ...{ base: 'qwen3-32b', part: 'compute', bytes: 633.5 * MEBIBYTE },
    layout: f16(8192, { batchSize: 1024 }),
    ...{ of: 'steps of 1024 tokens, CUDA', tolerance: LOGITS, source: QWEN3_32B_ROW_SPLIT },
  },
  {
    ...{ base: 'qwen3-235b-a22b', part: 'cache', layout: f16(32_768), bytes: 6016 * MEBIBYTE },
    ...{ of: 'f16, 32768 tokens, both programs', tolerance: LOGGED, source: QWEN3_235B },
  },
  {
    ...{ base: 'qwen3-235b-a22b', part: 'compute', layout: f16(32_768), bytes: 312.75 * MEBIBYTE },
    ...{ of: 'steps of 512 tokens, CUDA', tolerance: LOGITS, source: QWEN3_235B },
  },
  {
    ...{ base: 'qwen3-235b-a22b', part: 'weights', quantization: 'Q8_0' },
    ...{ of: 'file of Q8_0', bytes: 232.77 * GIBIBYTE, source: QWEN3_235B },
    tolerance: rounded(0.001, 'both are rounded'),
  },
  {
    // That fork keeps what windows have passed, as the engine here does.
    ...{ base: 'gemma-3-27b-it', part: 'cache', layout: f16(131_072), bytes: 63_488 * MEBIBYTE },
    ...{ of: 'f16, 131072 tokens, no window used', tolerance: LOGGED, source: ARM_CPU },
  },
  {
    ...{ base: 'gemma-3-27b-it', part: 'weights', quantization: 'Q8_0' },
    ...{ of: 'file of Q8_0', bytes: 26.73 * GIBIBYTE },
    tolerance: rounded(0.001, 'both are rounded'),
    source: at('https://github.com/ggml-org/llama.cpp/pull/14203', READ),
  },
  {
    ...{ base: 'llama-3.3-70b-instruct', part: 'cache', layout: f16(4096), bytes: 1280 * MEBIBYTE },
    ...{ of: 'f16, 4096 tokens, llama.cpp b6209, Llama 3.1 70B', tolerance: LOGGED },
    source: at(
      'https://github.com/ArmDeveloperEcosystem/arm-learning-paths/blob/main/content/learning-paths/servers-and-cloud-computing/distributed-inference-with-llama-cpp/how-to-3.md',
      READ,
    ),
  },
  {
    ...{ base: 'llama-3.3-70b-instruct', part: 'cache', layout: f16(128_000) },
    ...{ of: 'FP16, 128k tokens, Llama 3.1 70B', bytes: 39.06 * GIBIBYTE },
    tolerance: rounded(0.001, 'hundredths of what it calls GB, of 2^30'),
    source: at(
      'https://github.com/huggingface/blog/blob/0551785f2dd08b7b56c9cc4e2c5cd44a8178a58b/llama31.md',
      READ,
    ),
  },
  {
    ...{ base: 'llama-3.3-70b-instruct', part: 'weights', quantization: 'Q4_K_M' },
    ...{ of: 'file of Q4_K_M', bytes: 42.5 * GIGABYTE, tolerance: rounded(0.0012, 'tenths of GB') },
    source: at(
      'https://huggingface.co/lmstudio-community/Llama-3.3-70B-Instruct-GGUF/tree/c18115b2751e4ec124a6c62458965370e60dfdb0',
      READ,
    ),
  },
  {
    ...{ base: 'deepseek-r1', part: 'bytes a token', of: 'BF16, DeepSeek-V3', bytes: 70_272 },
    tolerance: rounded(0, 'stated to the byte (table 1)'),
    source: { url: 'https://arxiv.org/abs/2505.09343', date: '2025-05-14', seen: 'quoted' },
  },
  {
    ...{ base: 'deepseek-r1', part: 'cache', bytes: 137.25 * MEBIBYTE },
    layout: f16(512, { slots: 4 }),
    ...{ of: 'f16, 4 x 512 tokens, latent', tolerance: LOGGED, source: R1_Q8 },
  },
  {
    ...{ base: 'deepseek-r1', part: 'cache', bytes: 9760 * MEBIBYTE },
    layout: f16(512, { slots: 4 }),
    shape: { caches: [{ layers: 61, keyWidth: 128 * 192, valueWidth: 128 * 128 }] },
    of: 'f16, 4 x 512 tokens, llama.cpp, file with whole heads',
    ...{ tolerance: LOGGED, source: R1_Q8 },
  },
  {
    ...{ base: 'deepseek-r1', part: 'weights', quantization: 'Q8_0' },
    ...{ of: 'file of Q8_0, the first DeepSeek-R1', bytes: 664.295 * GIBIBYTE, source: R1_Q8 },
    tolerance: rounded(0.001, 'the row is rounded to 10^9'),
  },
  {
    ...{ base: 'deepseek-r1-distill-qwen-32b', part: 'weights', quantization: 'Q4_K_M' },
    ...{ of: 'file of Q4_K_M', bytes: 19.9 * GIGABYTE, tolerance: rounded(0.0026, 'tenths of GB') },
    source: at(
      'https://huggingface.co/unsloth/DeepSeek-R1-Distill-Qwen-32B-GGUF/tree/d450befdc5b83ce650ba1bc063c2fe2e69a1af6e',
      READ,
    ),
  },
  {
    ...{ base: 'deepseek-r1-distill-qwen-32b', part: 'weights', quantization: 'Q8_0' },
    ...{ of: 'file of Q8_0', bytes: 34.8 * GIGABYTE, tolerance: rounded(0.0015, 'tenths of GB') },
    source: at(
      'https://huggingface.co/ggml-org/DeepSeek-R1-Distill-Qwen-32B-Q8_0-GGUF/tree/main',
      READ,
    ),
  },
  {
    ...{ base: 'kimi-k2-instruct', part: 'cache', layout: q8(131_072), bytes: 4666.5 * MEBIBYTE },
    ...{ of: 'q8_0, 131072 tokens, latent', tolerance: LOGGED, source: fork('issues/733', READ) },
  },
  {
    ...{ base: 'kimi-k2-instruct', part: 'weights', quantization: 'Q8_0' },
    ...{ of: 'file of Q8_0', bytes: 1016.623 * GIBIBYTE },
    tolerance: rounded(0.005, 'the row is rounded to 10^10; that file holds a tensor a layer more'),
    source: fork('pull/616', '2025-07-20'),
  },
  {
    ...{ base: 'minimax-m2', part: 'bytes a token', of: 'vLLM, 240 GB for 1M tokens' },
    bytes: (240 * GIGABYTE) / 1e6,
    tolerance: rounded(0.06, 'rounded, and GB may be of 2^30: then it is 1.5 % above the plan'),
    source: at(
      'https://github.com/MiniMax-AI/MiniMax-M2/blob/581a755de89b2b7a9a76ce8c88516510aecf8fdf/docs/vllm_deploy_guide.md',
      READ,
    ),
  },
  {
    ...{ base: 'minimax-m2', part: 'weights', quantization: 'Q4_K_M' },
    ...{ of: 'file of Q4_K_M, MiniMax-M2.1', bytes: 138 * GIGABYTE },
    tolerance: rounded(0.004, 'whole GB'),
    source: at('https://huggingface.co/unsloth/MiniMax-M2.1-GGUF/discussions/7', READ),
  },
  {
    ...{ base: 'malaysian-qwen2.5-7b-instruct', part: 'weights', quantization: 'Q8_0' },
    ...{ of: 'file of Q8_0, qwen2 with 7.62 B', bytes: 7.54 * GIBIBYTE },
    tolerance: rounded(0.001, 'hundredths of GiB; the row is rounded'),
    source: at('https://github.com/ggml-org/llama.cpp/pull/16894', READ),
  },
  {
    ...{ base: 'malaysian-qwen2.5-7b-instruct', part: 'weights', quantization: 'Q4_K_M' },
    ...{ of: 'file of Q4_K_M, qwen2 with 7.62 B', bytes: 4.36 * GIBIBYTE },
    tolerance: rounded(0.0015, 'hundredths of GiB; the row is rounded'),
    source: at('https://github.com/containers/ramalama/issues/616', READ),
  },
]
