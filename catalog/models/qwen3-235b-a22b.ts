import type { BaseModel } from '../base-model.ts'

export const qwen3235bA22b: BaseModel = {
  id: 'qwen3-235b-a22b',
  name: 'Qwen3 235B A22B',
  family: 'Qwen3',
  origin: { maker: 'Alibaba (Qwen)', country: 'CN' },
  licence: {
    id: 'Apache-2.0',
    document: 'https://huggingface.co/Qwen/Qwen3-235B-A22B/blob/main/LICENSE',
    acceptanceRequired: false,
  },
  parameters: 235_093_634_560,
  // Published rounded.
  activeParameters: 22_000_000_000,
  // 131072 with YaRN, which is scaling at serving time, not training.
  contextSize: 40_960,
  chat: true,
  files: [
    { quantization: 'Q4_K_M', bytes: 142_154_074_176, sources: [] },
    // Rounded: 232.77 GiB.
    { quantization: 'Q8_0', bytes: 249_930_000_000, sources: [] },
  ],
  shape: {
    architecture: 'qwen3moe',
    layers: 94,
    embedding: 4096,
    vocabulary: 151_936,
    feedForward: 0,
    heads: 64,
    keyLength: 128,
    valueLength: 128,
    caches: [{ layers: 94, keyWidth: 512, valueWidth: 512 }],
    experts: { count: 128, used: 8, feedForward: 1536, shared: 0, layers: 94 },
  },
  verified: 'facts only',
  facts: [
    {
      facts: 'shape, context, from which parameters (read in copies of it)',
      url: 'https://huggingface.co/Qwen/Qwen3-235B-A22B/blob/main/config.json',
      date: '2026-11-28',
    },
    {
      facts: 'bytes (as others quote them)',
      url: 'https://huggingface.co/Qwen/Qwen3-235B-A22B-GGUF',
      date: '2026-11-28',
    },
  ],
}
