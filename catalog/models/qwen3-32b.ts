import type { BaseModel } from '../base-model.ts'

export const qwen332b: BaseModel = {
  id: 'qwen3-32b',
  name: 'Qwen3 32B',
  family: 'Qwen3',
  origin: { maker: 'Alibaba (Qwen)', country: 'CN' },
  licence: {
    id: 'Apache-2.0',
    document: 'https://huggingface.co/Qwen/Qwen3-32B/blob/main/LICENSE',
    acceptanceRequired: false,
  },
  parameters: 32_762_123_264,
  // 131072 with YaRN, which is scaling at serving time, not training.
  contextSize: 40_960,
  chat: true,
  files: [
    { quantization: 'Q4_K_M', bytes: 19_762_149_024, sources: [] },
    { quantization: 'Q8_0', bytes: 34_817_718_912, sources: [] },
  ],
  shape: {
    architecture: 'qwen3',
    layers: 64,
    embedding: 5120,
    vocabulary: 151_936,
    feedForward: 25_600,
    heads: 64,
    keyLength: 128,
    valueLength: 128,
    caches: [{ layers: 64, keyWidth: 1024, valueWidth: 1024 }],
  },
  verified: 'facts only',
  facts: [
    {
      facts: 'shape, context, from which parameters (read in copies of it)',
      url: 'https://huggingface.co/Qwen/Qwen3-32B/blob/main/config.json',
      date: '2026-11-28',
    },
    {
      facts: 'bytes (as others quote them)',
      url: 'https://huggingface.co/Qwen/Qwen3-32B-GGUF',
      date: '2026-11-28',
    },
  ],
}
