import type { BaseModel } from '../base-model.ts'

export const gemma327bIt: BaseModel = {
  id: 'gemma-3-27b-it',
  name: 'Gemma 3 27B IT',
  family: 'Gemma 3',
  origin: { maker: 'Google', country: 'US' },
  licence: {
    id: 'gemma',
    document: 'https://ai.google.dev/gemma/terms',
    acceptanceRequired: true,
  },
  // Of the text model, counted from the shape: what sees pictures is a file of its own.
  parameters: 27_009_002_240,
  contextSize: 131_072,
  chat: true,
  files: [
    { quantization: 'Q4_K_M', bytes: 16_546_404_992, sources: [] },
    // Rounded.
    { quantization: 'Q8_0', bytes: 28_710_000_000, sources: [] },
  ],
  shape: {
    architecture: 'gemma3',
    layers: 62,
    embedding: 5376,
    // Its maker's 262208 without 64 rows that no token has, which conversion leaves out.
    vocabulary: 262_144,
    feedForward: 21_504,
    heads: 32,
    keyLength: 128,
    valueLength: 128,
    // Every sixth layer looks at everything.
    caches: [
      { layers: 52, keyWidth: 2048, valueWidth: 2048, window: 1024 },
      { layers: 10, keyWidth: 2048, valueWidth: 2048 },
    ],
  },
  verified: 'facts only',
  facts: [
    {
      facts: 'shape, context, from which parameters (read in copies of it)',
      url: 'https://huggingface.co/google/gemma-3-27b-it/blob/main/config.json',
      date: '2026-11-28',
    },
    {
      facts: 'which layers have a window',
      url: 'https://github.com/ggml-org/llama.cpp/blob/de3ff815ea7d559ee917f063901b8986f038abc6/src/models/gemma3.cpp',
      date: '2026-09-28',
    },
    {
      facts: 'bytes (as others quote them)',
      url: 'https://huggingface.co/bartowski/google_gemma-3-27b-it-GGUF',
      date: '2026-11-28',
    },
  ],
}
