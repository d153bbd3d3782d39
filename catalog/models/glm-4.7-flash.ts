import type { BaseModel } from '../base-model.ts'

export const glm47Flash: BaseModel = {
  id: 'glm-4.7-flash',
  name: 'GLM-4.7-Flash',
  family: 'GLM-4.7',
  origin: { maker: 'Z.ai', country: 'CN' },
  licence: {
    id: 'MIT',
    document: 'https://huggingface.co/zai-org/GLM-4.7-Flash',
    acceptanceRequired: false,
  },
  // Without the layer that guesses tokens ahead; 3 billion is published rounded.
  parameters: 29_943_393_920,
  activeParameters: 3_000_000_000,
  contextSize: 202_752,
  chat: true,
  files: [
    { quantization: 'Q4_K_M', bytes: 18_132_721_120, sources: [] },
    { quantization: 'Q8_0', bytes: 31_842_799_232, sources: [] },
  ],
  // Attention as in DeepSeek's models, whose architecture its files name.
  shape: {
    architecture: 'deepseek2',
    layers: 47,
    embedding: 2048,
    vocabulary: 154_880,
    feedForward: 10_240,
    heads: 20,
    keyLength: 576,
    valueLength: 512,
    caches: [{ layers: 47, keyWidth: 576, valueWidth: 0 }],
    experts: { count: 64, used: 4, feedForward: 1536, shared: 1536, layers: 46 },
  },
  verified: 'facts only',
  facts: [
    {
      facts: 'shape, context (a copy of config.json)',
      url: 'https://github.com/ai-dynamo/aiconfigurator/blob/19d098add98ab8ba2366c94795e9e886cdcc915c/src/aiconfigurator/model_configs/zai-org--GLM-4.7-Flash_config.json',
      date: '2026-11-28',
    },
    {
      facts: 'architecture of its files',
      url: 'https://github.com/ggml-org/llama.cpp/blob/de3ff815ea7d559ee917f063901b8986f038abc6/conversion/glm.py',
      date: '2026-09-28',
    },
    {
      facts: 'parameters, bytes of Q8_0 (as its maker quotes them in LlamaBarn)',
      url: 'https://huggingface.co/ggml-org/GLM-4.7-Flash-GGUF',
      date: '2026-11-28',
    },
    {
      facts: 'bytes of Q4_K_M (as others quote them)',
      url: 'https://huggingface.co/lmstudio-community/GLM-4.7-Flash-GGUF',
      date: '2026-11-28',
    },
  ],
}
