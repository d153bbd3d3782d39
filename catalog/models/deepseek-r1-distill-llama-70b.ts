import type { BaseModel } from '../base-model.ts'
import { llama3370bInstruct } from './llama-3.3-70b-instruct.ts'

/** Llama 3.3 70B Instruct, trained further on what DeepSeek-R1 wrote: only weights differ. */
export const deepseekR1DistillLlama70b: BaseModel = {
  id: 'deepseek-r1-distill-llama-70b',
  name: 'DeepSeek-R1-Distill-Llama-70B',
  family: 'DeepSeek R1',
  origin: { maker: 'DeepSeek', country: 'CN' },
  // DeepSeek adds MIT; the licence of what it was made from goes on applying.
  licence: llama3370bInstruct.licence,
  parameters: 70_553_706_496,
  contextSize: 131_072,
  chat: true,
  files: [
    { quantization: 'Q4_K_M', bytes: 42_520_395_936, sources: [] },
    // Rounded.
    { quantization: 'Q8_0', bytes: 74_980_000_000, sources: [] },
  ],
  shape: llama3370bInstruct.shape,
  verified: 'facts only',
  facts: [
    {
      facts: 'licence, and the model it was made from',
      url: 'https://github.com/deepseek-ai/DeepSeek-R1/blob/5689f0a890129fcc0c9bbe2b46147321be0ea55a/README.md',
      date: '2026-11-28',
    },
    {
      facts: 'context (read in copies of it)',
      url: 'https://huggingface.co/deepseek-ai/DeepSeek-R1-Distill-Llama-70B/blob/main/config.json',
      date: '2026-11-28',
    },
    {
      facts: 'bytes (as others quote them)',
      url: 'https://huggingface.co/bartowski/DeepSeek-R1-Distill-Llama-70B-GGUF',
      date: '2026-11-28',
    },
  ],
}
