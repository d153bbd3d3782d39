import { FAMILIES, FORMATS } from './families.ts'
import type { Family } from './families.ts'
import type { OutputFormat } from './output-format.ts'

/** Texts of a family's chat template, all of which are in it: of those before it in the order, one is not. */
const SIGNS: Readonly<Record<Family, readonly string[]>> = {
  'kimi-k3': ['<|open|>', '<|close|>', '<|end_of_msg|>'],
  'kimi-k2': ['<|tool_calls_section_begin|>'],
  'minimax-m3': [']<]minimax[>[', '<invoke name="'],
  'minimax-m2': ['<minimax:tool_call>', '<invoke name="'],
  'minimax-m1': ['<beginning_of_sentence>', '<tool_calls>'],
  'deepseek-v3.2': ['｜DSML｜', 'function_calls>'],
  'deepseek-v4': ['｜DSML｜', 'tool_calls>'],
  'deepseek-r1': ['<｜tool▁calls▁begin｜>', '```json'],
  'deepseek-v3.1': ['<｜tool▁calls▁begin｜>'],
  'gemma-4': ['<|tool_call>call:'],
  'qwen3-coder': ['<tool_call>', '<function=', '<parameter='],
  'glm-4.7': ['<tool_call>{function-name}<arg_key>'],
  'glm-4.5': ['<tool_call>', '<arg_key>', '<arg_value>'],
  'llama-3': ['<|start_header_id|>', '{"name": function name, "parameters"'],
  hermes: ['<tool_call>'],
  plain: [],
}

/** Families that mark their thoughts although their templates do not spell the marker. */
const SILENT: ReadonlySet<Family> = new Set(['kimi-k3', 'minimax-m1'])

/** How a model writes its answers, as the text of its chat template tells. Of unknown ones all is content. */
export function detectFormat(template: string): OutputFormat {
  const family = FAMILIES.find((name) => SIGNS[name].every((text) => template.includes(text)))
  const format = FORMATS[family ?? 'plain']
  const end = format.reasoning?.end.trim()
  const thinks = end !== undefined && (template.includes(end) || SILENT.has(family ?? 'plain'))
  return thinks ? format : { ...format, reasoning: undefined }
}

/** Whether the answer begins within thoughts: the prompt ends with their beginning. */
export function endsInsideReasoning(format: OutputFormat, prompt: string): boolean {
  const begin = format.reasoning?.begin.trim()
  return begin !== undefined && prompt.trimEnd().endsWith(begin)
}
