import type { BaseModel } from '../base-model.ts'

export const kimiK2Instruct: BaseModel = {
  id: 'kimi-k2-instruct',
  name: 'Kimi K2 Instruct',
  family: 'Kimi K2',
  origin: { maker: 'Moonshot AI', country: 'CN' },
  // MIT, but a product above a certain size must show the name: a condition to agree to.
  licence: {
    id: 'modified-mit-kimi-k2',
    document: 'https://github.com/MoonshotAI/Kimi-K2/blob/main/LICENSE',
    acceptanceRequired: true,
  },
  // Counted from the shape; 32 billion is published rounded.
  parameters: 1_026_408_232_448,
  activeParameters: 32_000_000_000,
  contextSize: 131_072,
  chat: true,
  // All rounded.
  files: [
    { quantization: 'Q4_K_M', bytes: 621_000_000_000, sources: [] },
    { quantization: 'UD-Q2_K_XL', bytes: 381_000_000_000, sources: [] },
    { quantization: 'Q8_0', bytes: 1_090_000_000_000, sources: [] },
  ],
  // DeepSeek-R1's build with half the heads and half as many experts again.
  shape: {
    architecture: 'deepseek2',
    layers: 61,
    embedding: 7168,
    vocabulary: 163_840,
    feedForward: 18_432,
    heads: 64,
    keyLength: 576,
    valueLength: 512,
    caches: [{ layers: 61, keyWidth: 576, valueWidth: 0 }],
    experts: { count: 384, used: 8, feedForward: 2048, shared: 2048, layers: 60 },
  },
  verified: 'facts only',
  facts: [
    {
      facts: 'parameters in billions, shape, context, licence',
      url: 'https://github.com/MoonshotAI/Kimi-K2/blob/11062d119a82873f7f786cd2733c57d42ee65b79/README.md',
      date: '2026-11-28',
    },
    {
      facts: 'shape (a copy of config.json)',
      url: 'https://github.com/ai-dynamo/aiconfigurator/blob/821eb9a651450cef303fb858289bca98959fe4c2/src/aiconfigurator/model_configs/moonshotai--Kimi-K2-Instruct_config.json',
      date: '2026-11-28',
    },
    {
      facts: 'bytes (as their maker and others quote them)',
      url: 'https://huggingface.co/unsloth/Kimi-K2-Instruct-GGUF',
      date: '2026-11-28',
    },
  ],
}
