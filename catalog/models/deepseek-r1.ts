import type { BaseModel } from '../base-model.ts'

export const deepseekR1: BaseModel = {
  id: 'deepseek-r1',
  name: 'DeepSeek-R1-0528',
  family: 'DeepSeek R1',
  origin: { maker: 'DeepSeek', country: 'CN' },
  licence: {
    id: 'MIT',
    document: 'https://github.com/deepseek-ai/DeepSeek-R1/blob/main/LICENSE',
    acceptanceRequired: false,
  },
  // Counted from the shape, without the layer that guesses tokens ahead; 37 billion is as published.
  parameters: 671_026_419_200,
  activeParameters: 37_000_000_000,
  contextSize: 163_840,
  chat: true,
  // All rounded to what the sums of their parts are quoted as, in 10^9 bytes.
  files: [
    { quantization: 'Q4_K_M', bytes: 404_900_000_000, sources: [] },
    { quantization: 'UD-Q3_K_XL', bytes: 296_000_000_000, sources: [] },
    { quantization: 'Q8_0', bytes: 713_000_000_000, sources: [] },
  ],
  shape: {
    architecture: 'deepseek2',
    layers: 61,
    embedding: 7168,
    vocabulary: 129_280,
    feedForward: 18_432,
    heads: 128,
    // As absorbed: rank 512 + 64 rotated dimensions, values are the rank. Files of before April 2025
    // hold whole heads instead and would cache 128 of them.
    keyLength: 576,
    valueLength: 512,
    caches: [{ layers: 61, keyWidth: 576, valueWidth: 0 }],
    experts: { count: 256, used: 8, feedForward: 2048, shared: 2048, layers: 58 },
  },
  verified: 'facts only',
  facts: [
    {
      facts: 'parameters in billions, licence',
      url: 'https://github.com/deepseek-ai/DeepSeek-R1/blob/5689f0a890129fcc0c9bbe2b46147321be0ea55a/README.md',
      date: '2026-11-28',
    },
    {
      facts: 'shape, context (read in copies of it)',
      url: 'https://huggingface.co/deepseek-ai/DeepSeek-R1-0528/blob/main/config.json',
      date: '2026-11-28',
    },
    {
      facts: 'what is cached',
      url: 'https://github.com/ggml-org/llama.cpp/blob/de3ff815ea7d559ee917f063901b8986f038abc6/src/llama-kv-cache.cpp',
      date: '2026-09-28',
    },
    {
      facts: 'bytes (as others quote them)',
      url: 'https://huggingface.co/unsloth/DeepSeek-R1-0528-GGUF',
      date: '2026-11-28',
    },
  ],
}
