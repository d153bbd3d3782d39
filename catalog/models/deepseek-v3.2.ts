import type { BaseModel } from '../base-model.ts'

export const deepseekV32: BaseModel = {
  id: 'deepseek-v3.2',
  name: 'DeepSeek-V3.2',
  family: 'DeepSeek V3',
  origin: { maker: 'DeepSeek', country: 'CN' },
  licence: {
    id: 'MIT',
    document: 'https://huggingface.co/deepseek-ai/DeepSeek-V3.2/blob/main/LICENSE',
    acceptanceRequired: false,
  },
  // Counted from the shape: DeepSeek-R1 and the indexers; 37 billion is published rounded.
  parameters: 671_877_944_064,
  activeParameters: 37_000_000_000,
  contextSize: 163_840,
  // Its maker publishes the prompt format as Python code, not as a template for a file to carry.
  chat: false,
  // Rounded. Files with indexers only: those without run as deepseek2, attend to everything and
  // leave out the second cache.
  files: [
    { quantization: 'Q4_K_M', bytes: 404_000_000_000, sources: [] },
    { quantization: 'Q8_0', bytes: 714_000_000_000, sources: [] },
  ],
  shape: {
    architecture: 'deepseek32',
    layers: 61,
    embedding: 7168,
    vocabulary: 129_280,
    feedForward: 18_432,
    heads: 128,
    keyLength: 576,
    valueLength: 512,
    caches: [
      { layers: 61, keyWidth: 576, valueWidth: 0 },
      // The same layers again: the key by which an indexer picks the tokens to attend to.
      { layers: 61, keyWidth: 128, valueWidth: 0 },
    ],
    experts: { count: 256, used: 8, feedForward: 2048, shared: 2048, layers: 58 },
  },
  verified: 'facts only',
  facts: [
    {
      facts: 'licence',
      url: 'https://github.com/deepseek-ai/DeepSeek-V3.2-Exp/blob/114c2cb47f8c147952495a377d11306c16e139a9/README.md',
      date: '2026-11-28',
    },
    {
      facts: 'shape of the attention and of its indexer',
      url: 'https://github.com/deepseek-ai/DeepSeek-V3.2-Exp/blob/6d8cb70dfdd6f37c83c5208105a3e2c8da117485/inference/model.py',
      date: '2026-11-28',
    },
    {
      facts: 'shape, context (read in copies of it)',
      url: 'https://huggingface.co/deepseek-ai/DeepSeek-V3.2/blob/main/config.json',
      date: '2026-11-28',
    },
    {
      facts: 'what is cached',
      url: 'https://github.com/ggml-org/llama.cpp/blob/de3ff815ea7d559ee917f063901b8986f038abc6/src/llama-kv-cache-dsa.cpp',
      date: '2026-09-28',
    },
    {
      facts: 'bytes (as their maker quotes them), where the prompt format is',
      url: 'https://huggingface.co/sszymczyk/DeepSeek-V3.2-light-GGUF',
      date: '2026-11-28',
    },
  ],
}
