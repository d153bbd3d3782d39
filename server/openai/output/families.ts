import { DEEPSEEK_R1, DEEPSEEK_V3_1, DEEPSEEK_V3_2, DEEPSEEK_V4 } from './families/deepseek.ts'
import { GEMMA_4 } from './families/gemma.ts'
import { GLM_4_5, GLM_4_7 } from './families/glm.ts'
import { KIMI_K2, KIMI_K3 } from './families/kimi.ts'
import { LLAMA_3 } from './families/llama.ts'
import { MINIMAX_M1, MINIMAX_M2, MINIMAX_M3 } from './families/minimax.ts'
import { HERMES, QWEN3_CODER } from './families/qwen.ts'
import { THINK, THINK_MARKERS } from './families/shared-forms.ts'
import type { OutputFormat } from './output-format.ts'

/** The families, in the order in which they are tried: forms that share a marker stand before the plainer one. */
export const FAMILIES = [
  'kimi-k3',
  'kimi-k2',
  'minimax-m3',
  'minimax-m2',
  'minimax-m1',
  'deepseek-v3.2',
  'deepseek-v4',
  'deepseek-r1',
  'deepseek-v3.1',
  'gemma-4',
  'qwen3-coder',
  'glm-4.7',
  'glm-4.5',
  'llama-3',
  'hermes',
  'plain',
] as const
export type Family = (typeof FAMILIES)[number]

/**
 * How each family writes, as its makers' chat templates do: docs/concepts/tool-calls.md names them.
 * `plain` has no calls.
 */
export const FORMATS: Readonly<Record<Family, OutputFormat>> = {
  plain: { family: 'plain', reasoning: THINK, frames: [], markers: THINK_MARKERS },
  hermes: HERMES,
  'qwen3-coder': QWEN3_CODER,
  'llama-3': LLAMA_3,
  'deepseek-r1': DEEPSEEK_R1,
  'deepseek-v3.1': DEEPSEEK_V3_1,
  'deepseek-v3.2': DEEPSEEK_V3_2,
  'deepseek-v4': DEEPSEEK_V4,
  'glm-4.5': GLM_4_5,
  'glm-4.7': GLM_4_7,
  'kimi-k2': KIMI_K2,
  'kimi-k3': KIMI_K3,
  'minimax-m1': MINIMAX_M1,
  'minimax-m2': MINIMAX_M2,
  'minimax-m3': MINIMAX_M3,
  'gemma-4': GEMMA_4,
}
