import type { BaseModel } from '../base-model.ts'

export const llama3370bInstruct: BaseModel = {
  id: 'llama-3.3-70b-instruct',
  name: 'Llama 3.3 70B Instruct',
  family: 'Llama 3.3',
  origin: { maker: 'Meta', country: 'US' },
  licence: {
    id: 'llama3.3',
    document: 'https://www.llama.com/llama3_3/license/',
    acceptanceRequired: true,
  },
  parameters: 70_553_706_496,
  contextSize: 131_072,
  chat: true,
  files: [
    { quantization: 'Q4_K_M', bytes: 42_520_398_816, sources: [] },
    { quantization: 'Q8_0', bytes: 74_975_055_008, sources: [] },
  ],
  shape: {
    architecture: 'llama',
    layers: 80,
    embedding: 8192,
    vocabulary: 128_256,
    feedForward: 28_672,
    heads: 64,
    keyLength: 128,
    valueLength: 128,
    caches: [{ layers: 80, keyWidth: 1024, valueWidth: 1024 }],
  },
  verified: 'facts only',
  facts: [
    {
      facts: 'shape, context, from which parameters (a copy of config.json)',
      url: 'https://github.com/ai-dynamo/aiconfigurator/blob/f577ab8432dfc9970fea27853a24861a6d3076cf/src/aiconfigurator/model_configs/meta-llama--Llama-3.3-70B-Instruct_config.json',
      date: '2026-11-28',
    },
    {
      facts: 'bytes (as others quote them)',
      url: 'https://huggingface.co/bartowski/Llama-3.3-70B-Instruct-GGUF',
      date: '2026-11-28',
    },
  ],
}
