import type { BaseModel } from '../base-model.ts'
import { gemma327bIt } from './gemma-3-27b-it.ts'

/** Gemma 3 27B IT, trained further on South-East Asian languages: only weights differ. */
export const gemmaSeaLionV427bIt: BaseModel = {
  id: 'gemma-sea-lion-v4-27b-it',
  name: 'Gemma SEA-LION v4 27B IT',
  family: 'SEA-LION v4',
  origin: { maker: 'AI Singapore', country: 'SG' },
  licence: gemma327bIt.licence,
  parameters: gemma327bIt.parameters,
  contextSize: 131_072,
  chat: true,
  // Rounded by its maker.
  files: [
    { quantization: 'Q4_K_M', bytes: 16_500_000_000, sources: [] },
    { quantization: 'Q8_0', bytes: 28_700_000_000, sources: [] },
  ],
  shape: gemma327bIt.shape,
  verified: 'facts only',
  facts: [
    {
      facts: 'licence, context, bytes, the model it was made from',
      url: 'https://github.com/aisingapore/sealion/blob/1ce2baeaa1c473fecf37f741c4f6256d852c3a22/models/sea-lion-v4/gemma-sea-lion-v4-27B-IT-quantized.md',
      date: '2026-11-28',
    },
  ],
}
