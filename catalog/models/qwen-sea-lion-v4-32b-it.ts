import type { BaseModel } from '../base-model.ts'
import { qwen332b } from './qwen3-32b.ts'

/** Qwen3 32B, trained further on South-East Asian languages: only weights differ. */
export const qwenSeaLionV432bIt: BaseModel = {
  id: 'qwen-sea-lion-v4-32b-it',
  name: 'Qwen SEA-LION v4 32B IT',
  family: 'SEA-LION v4',
  origin: { maker: 'AI Singapore', country: 'SG' },
  // Its maker names these terms, though Qwen3 32B itself is under Apache-2.0.
  licence: {
    id: 'qwen-terms-of-service',
    document: 'https://qwen.ai/termsservice',
    acceptanceRequired: true,
  },
  parameters: qwen332b.parameters,
  // "Natively", its maker says; the 128k that the same page names need scaling.
  contextSize: 32_768,
  chat: true,
  // Those of Qwen3 32B, whose tensors have the same sizes, rounded.
  files: [
    { quantization: 'Q4_K_M', bytes: 19_760_000_000, sources: [] },
    { quantization: 'Q8_0', bytes: 34_820_000_000, sources: [] },
  ],
  shape: qwen332b.shape,
  verified: 'facts only',
  facts: [
    {
      facts: 'licence, context, the model it was made from',
      url: 'https://github.com/aisingapore/sealion/blob/dd14be111f337b0fa1e788423c4cab137591a546/models/sea-lion-v4/qwen-sea-lion-v4-32B.md',
      date: '2026-11-28',
    },
    {
      facts: 'bytes (of the model it was made from, as others quote them)',
      url: 'https://huggingface.co/Qwen/Qwen3-32B-GGUF',
      date: '2026-11-28',
    },
  ],
}
