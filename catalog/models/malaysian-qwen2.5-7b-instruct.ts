import type { BaseModel } from '../base-model.ts'

/** Qwen2.5 7B Instruct, trained further on Malaysian languages and dialects. */
export const malaysianQwen257bInstruct: BaseModel = {
  id: 'malaysian-qwen2.5-7b-instruct',
  name: 'Malaysian Qwen2.5 7B Instruct',
  family: 'Malaysian Qwen2.5',
  origin: { maker: 'Mesolitica', country: 'MY' },
  // Its maker declares none (Qwen2.5 7B Instruct has Apache-2.0): whoever deploys it decides.
  licence: {
    id: 'undeclared-malaysian-qwen2.5',
    document: 'https://huggingface.co/mesolitica/Malaysian-Qwen2.5-7B-Instruct',
    acceptanceRequired: true,
  },
  parameters: 7_615_616_512,
  contextSize: 32_768,
  chat: true,
  // Those of Qwen2.5 7B Instruct, whose tensors have the same sizes, rounded.
  files: [
    { quantization: 'Q4_K_M', bytes: 4_680_000_000, sources: [] },
    { quantization: 'Q8_0', bytes: 8_100_000_000, sources: [] },
  ],
  shape: {
    architecture: 'qwen2',
    layers: 28,
    embedding: 3584,
    vocabulary: 152_064,
    feedForward: 18_944,
    heads: 28,
    keyLength: 128,
    valueLength: 128,
    caches: [{ layers: 28, keyWidth: 512, valueWidth: 512 }],
  },
  verified: 'facts only',
  facts: [
    {
      facts: 'shape, context, from which parameters (of the model it was made from)',
      url: 'https://huggingface.co/Qwen/Qwen2.5-7B-Instruct/blob/main/config.json',
      date: '2026-11-28',
    },
    {
      facts: 'bytes (of the model it was made from, as others quote them)',
      url: 'https://huggingface.co/bartowski/Qwen2.5-7B-Instruct-GGUF',
      date: '2026-11-28',
    },
    {
      facts: 'that there are GGUF files of it',
      url: 'https://huggingface.co/mradermacher/Malaysian-Qwen2.5-7B-Instruct-GGUF',
      date: '2026-11-28',
    },
  ],
}
