import type { BaseModel } from '../base-model.ts'

export const minimaxM2: BaseModel = {
  id: 'minimax-m2',
  name: 'MiniMax-M2',
  family: 'MiniMax M2',
  origin: { maker: 'MiniMax', country: 'CN' },
  // MIT, but a product above a certain size must show the name: a condition to agree to.
  licence: {
    id: 'modified-mit-minimax-m2',
    document: 'https://github.com/MiniMax-AI/MiniMax-M2/blob/main/LICENSE',
    acceptanceRequired: true,
  },
  // Counted from the shape; 10 billion is published rounded.
  parameters: 228_689_764_864,
  activeParameters: 10_000_000_000,
  contextSize: 196_608,
  chat: true,
  files: [
    { quantization: 'Q4_K_M', bytes: 138_342_385_120, sources: [] },
    // Rounded.
    { quantization: 'Q3_K_M', bytes: 109_400_000_000, sources: [] },
    // Rounded: 226.4 GiB.
    { quantization: 'Q8_0', bytes: 243_100_000_000, sources: [] },
  ],
  shape: {
    architecture: 'minimax-m2',
    layers: 62,
    embedding: 3072,
    vocabulary: 200_064,
    feedForward: 0,
    heads: 48,
    keyLength: 128,
    valueLength: 128,
    caches: [{ layers: 62, keyWidth: 1024, valueWidth: 1024 }],
    experts: { count: 256, used: 8, feedForward: 1536, shared: 0, layers: 62 },
  },
  verified: 'facts only',
  facts: [
    {
      facts: 'licence',
      url: 'https://github.com/MiniMax-AI/MiniMax-M2/blob/cf8411ab7725889e3cd7585bf2dfb9da4ebb63ec/LICENSE',
      date: '2026-11-28',
    },
    {
      facts: 'parameters in billions',
      url: 'https://github.com/MiniMax-AI/MiniMax-M2/blob/e304e33a34c9f403d2d5bb3e1a7d900ebcbda87c/README.md',
      date: '2026-11-28',
    },
    {
      facts: 'shape, context (read in copies of it)',
      url: 'https://huggingface.co/MiniMaxAI/MiniMax-M2/blob/main/config.json',
      date: '2026-11-28',
    },
    {
      facts: 'bytes of Q4_K_M and Q8_0 (as others quote them)',
      url: 'https://huggingface.co/unsloth/MiniMax-M2-GGUF',
      date: '2026-11-28',
    },
    {
      facts: 'bytes of Q3_K_M',
      url: 'https://huggingface.co/mradermacher/MiniMax-M2-BF16-GGUF',
      date: '2026-11-28',
    },
  ],
}
