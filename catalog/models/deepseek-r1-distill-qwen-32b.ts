import type { BaseModel } from '../base-model.ts'

export const deepseekR1DistillQwen32b: BaseModel = {
  id: 'deepseek-r1-distill-qwen-32b',
  name: 'DeepSeek-R1-Distill-Qwen-32B',
  family: 'DeepSeek R1',
  origin: { maker: 'DeepSeek', country: 'CN' },
  licence: {
    id: 'MIT',
    document: 'https://github.com/deepseek-ai/DeepSeek-R1/blob/main/LICENSE',
    acceptanceRequired: false,
  },
  parameters: 32_763_876_352,
  contextSize: 131_072,
  chat: true,
  files: [
    { quantization: 'Q4_K_M', bytes: 19_851_335_840, sources: [] },
    // Rounded.
    { quantization: 'Q8_0', bytes: 34_820_000_000, sources: [] },
  ],
  shape: {
    architecture: 'qwen2',
    layers: 64,
    embedding: 5120,
    vocabulary: 152_064,
    feedForward: 27_648,
    heads: 40,
    keyLength: 128,
    valueLength: 128,
    caches: [{ layers: 64, keyWidth: 1024, valueWidth: 1024 }],
  },
  verified: 'facts only',
  facts: [
    {
      facts: 'licence, and that of the model it was made from',
      url: 'https://github.com/deepseek-ai/DeepSeek-R1/blob/5689f0a890129fcc0c9bbe2b46147321be0ea55a/README.md',
      date: '2026-11-28',
    },
    {
      facts: 'shape, context, from which parameters (read in copies of it)',
      url: 'https://huggingface.co/deepseek-ai/DeepSeek-R1-Distill-Qwen-32B/blob/main/config.json',
      date: '2026-11-28',
    },
    {
      facts: 'bytes (as others quote them)',
      url: 'https://huggingface.co/bartowski/DeepSeek-R1-Distill-Qwen-32B-GGUF',
      date: '2026-11-28',
    },
  ],
}
