import { Template } from '@huggingface/jinja'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { detectFormat, endsInsideReasoning } from '../../../server/openai/output/detect-format.ts'
import type { Family } from '../../../server/openai/output/families.ts'
import type { OutputFormat } from '../../../server/openai/output/output-format.ts'
import type { Tool } from '../../../server/openai/output/tool.ts'
import { ChatTemplates } from '../../helpers/chat-templates.ts'
import { everySplit, parse } from '../../helpers/parsed-answer.ts'

let templates: ChatTemplates
beforeAll(() => {
  templates = new ChatTemplates()
}, 120_000)
afterAll(() => templates.remove())

const TOOLS: Tool[] = [
  {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: {
        place: { type: 'string' },
        zip: { type: 'string' },
        days: { type: 'integer' },
        metric: { type: 'boolean' },
        spots: { type: 'array', items: { $ref: '#/$defs/spot' } },
      },
      $defs: {
        spot: {
          type: 'object',
          properties: {
            name: { type: 'string' },
            at: { type: 'array', items: { type: 'number' } },
          },
        },
      },
    },
  },
  { name: 'get_weather_now' },
  { name: 'list_files' },
]

const WEATHER = {
  place: 'Kuala "Lumpur"\n  <b>สวัสดี</b> 🙂 {x: [1]}, \\ C:\\n',
  zip: '50088',
  days: 3,
  metric: true,
  spots: [
    { name: 'KLCC', at: [3.15, -101.7] },
    { name: 'null', at: [] },
  ],
}
const CALLS = [
  { name: 'get_weather', arguments: WEATHER },
  { name: 'list_files', arguments: {} },
]
const THOUGHTS = 'The user wants\n\nthe weather: a < b.'
const CONTENT = 'Let me look.\n\n1 < 2'

interface Published {
  /** Of llama.cpp's `models/templates`, without `.jinja`. */
  file: string
  family: Family
  /** Where an answer begins and ends in a rendered conversation. */
  from: string
  to: string
  variables?: object
  /** What the template does not write. */
  without?: readonly ('reasoning' | 'content' | 'parallel')[]
  /** When the prompt ends within reasoning. */
  inside?: 'always' | object
}

const IM = { from: '<|im_start|>assistant\n', to: '<|im_end|>' }
const DEEPSEEK = { from: '<｜Assistant｜>', to: '<｜end▁of▁sentence｜>' }
const LLAMA = { from: '<|start_header_id|>assistant<|end_header_id|>\n\n', to: '<|eot_id|>' }
const KIMI = { from: '<|im_assistant|>assistant<|im_middle|>', to: '<|im_end|>' }
const MINIMAX = { from: ']~b]ai\n', to: '[e~[' }

const ALL = ['reasoning', 'content', 'parallel'] as const

const PUBLISHED: Published[] = [
  {
    ...{ file: 'NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use', family: 'hermes', ...IM },
    without: ['reasoning', 'content'],
  },
  { file: 'Qwen-Qwen2.5-7B-Instruct', family: 'hermes', ...IM, without: ['reasoning'] },
  {
    file: 'Qwen-QwQ-32B',
    family: 'hermes',
    ...IM,
    without: ['reasoning'],
    inside: { enable_thinking: true },
  },
  { file: 'Qwen-Qwen3-0.6B', family: 'hermes', ...IM },
  { file: 'Qwen3-Coder', family: 'qwen3-coder', ...IM, without: ['reasoning'] },
  { file: 'Qwen3.5-4B', family: 'qwen3-coder', ...IM, inside: {} },
  { file: 'meta-llama-Llama-3.1-8B-Instruct', family: 'llama-3', ...LLAMA, without: ALL },
  { file: 'meta-llama-Llama-3.2-3B-Instruct', family: 'llama-3', ...LLAMA, without: ALL },
  { file: 'meta-llama-Llama-3.3-70B-Instruct', family: 'llama-3', ...LLAMA, without: ALL },
  {
    ...{ file: 'llama-cpp-deepseek-r1', family: 'deepseek-r1', ...DEEPSEEK },
    ...{ without: ['reasoning', 'content'], inside: 'always' },
  },
  {
    ...{ file: 'deepseek-ai-DeepSeek-R1-Distill-Qwen-32B', family: 'deepseek-r1', ...DEEPSEEK },
    ...{ without: ['reasoning', 'content'], inside: { enable_thinking: true } },
  },
  {
    ...{ file: 'deepseek-ai-DeepSeek-V3.1', family: 'deepseek-v3.1', ...DEEPSEEK },
    ...{ without: ['reasoning'], inside: { thinking: true } },
  },
  {
    ...{ file: 'deepseek-ai-DeepSeek-V3.2', family: 'deepseek-v3.2', ...DEEPSEEK },
    ...{ variables: { thinking: true }, inside: { thinking: true } },
  },
  {
    ...{ file: 'deepseek-ai-DeepSeek-V4', family: 'deepseek-v4', ...DEEPSEEK },
    ...{ variables: { thinking: true }, inside: { thinking: true } },
  },
  {
    ...{ file: 'deepseek-ai-DeepSeek-V4-Flash-0731', family: 'deepseek-v4', ...DEEPSEEK },
    ...{ variables: { thinking: true }, inside: { thinking: true } },
  },
  { file: 'GLM-4.6', family: 'glm-4.5', from: '<|assistant|>', to: '' },
  { file: 'GLM-4.7-Flash', family: 'glm-4.7', from: '<|assistant|>', to: '', inside: {} },
  { file: 'Kimi-K2-Instruct', family: 'kimi-k2', ...KIMI, without: ['reasoning'] },
  { file: 'moonshotai-Kimi-K2', family: 'kimi-k2', ...KIMI, without: ['reasoning'] },
  { file: 'Kimi-K2-Thinking', family: 'kimi-k2', ...KIMI },
  {
    ...{ file: 'Kimi-K3', family: 'kimi-k3', from: '<|open|>message role="assistant"<|sep|>' },
    ...{ to: '<|end_of_msg|>', inside: {} },
  },
  {
    ...{
      file: 'MiniMax-M1',
      family: 'minimax-m1',
      from: '<beginning_of_sentence>ai name=assistant\n',
    },
    ...{ to: '<end_of_sentence>', without: ['reasoning', 'content'] },
  },
  { file: 'MiniMax-M2', family: 'minimax-m2', ...MINIMAX, inside: 'always' },
  {
    ...{ file: 'MiniMax-M3', family: 'minimax-m3', ...MINIMAX },
    inside: { thinking_mode: 'enabled' },
  },
  {
    ...{ file: 'google-gemma-4-31B-it', family: 'gemma-4', from: '<|turn>model\n' },
    ...{ to: '<|tool_response>', without: ['content'] },
  },
  {
    ...{ file: 'google-gemma-4-31B-it-interleaved', family: 'gemma-4', from: '<|turn>model\n' },
    ...{ to: '<turn|>', without: ['content'] },
  },
]

const USER = { role: 'user', content: 'How is the weather?' }

function render(file: string, messages: object[], variables: object = {}): string {
  const context = { messages, tools: [], bos_token: '', eos_token: '', ...variables }
  // For the results of tools; the library that renders has no lists that grow.
  const text = templates.read(file).replace(/\{%-? set _ = [\w.]+\.append\(.*?%\}/g, '')
  return new Template(text).render(context)
}

/** The answer of a conversation as the template writes it, and what it says. */
function published(row: Published) {
  const writes = (part: 'reasoning' | 'content' | 'parallel') => !row.without?.includes(part)
  const calls = writes('parallel') ? CALLS : CALLS.slice(0, 1)
  const content = writes('content') ? CONTENT : null
  const reasoning = writes('reasoning') ? THOUGHTS : undefined
  const answer = {
    ...{ role: 'assistant', content },
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
    tool_calls: calls.map((call, at) => ({ id: `call_${at}`, type: 'function', function: call })),
  }
  const rendered = render(row.file, [USER, answer], row.variables)
  const start = rendered.lastIndexOf(row.from) + row.from.length
  const end = row.to === '' ? rendered.length : rendered.indexOf(row.to, start)
  return {
    text: rendered.slice(start, end),
    says: {
      content: content ?? '',
      reasoning: reasoning ?? '',
      calls: calls.map((call) => ({ ...call, outcome: 'complete' })),
    },
  }
}

function said(...[format, pieces, options]: Parameters<typeof parse>) {
  const { calls, ...texts } = parse(format, pieces, { tools: TOOLS, ...options })
  return {
    ...texts,
    calls: calls.map(({ name, json, outcome }) => ({
      ...{ name, arguments: JSON.parse(json) as unknown, outcome },
    })),
  }
}

describe.each(PUBLISHED)('$file', (row) => {
  let format: OutputFormat
  beforeAll(() => {
    format = detectFormat(templates.read(row.file))
  })

  test('is told by its template', () => {
    expect(format.family).toBe(row.family)
  })

  test('is read at every split of an answer that it wrote', () => {
    const { text, says } = published(row)
    for (const pieces of everySplit(text)) expect(said(format, pieces)).toEqual(says)
  })

  test('is read where the prompt ended within reasoning', () => {
    const { reasoning } = format
    if (reasoning === undefined) return
    const { text, says } = published(row)
    const begin = reasoning.begin.trim()
    const shown = says.reasoning === '' ? undefined : text.split(begin)[1]
    const rest = shown ?? THOUGHTS + reasoning.end + text
    for (const pieces of [[rest], rest.split('')]) {
      const answer = said(format, pieces, { insideReasoning: true })
      expect(answer).toEqual({ ...says, reasoning: THOUGHTS })
    }
  })

  test('says whether its prompt ends within reasoning', () => {
    const ends = (variables: object) => {
      const prompt = render(row.file, [USER], { add_generation_prompt: true, ...variables })
      return endsInsideReasoning(format, prompt)
    }
    if (row.inside !== undefined) expect(ends(row.inside === 'always' ? {} : row.inside)).toBe(true)
    const never = { enable_thinking: false, thinking: false }
    expect(ends(never)).toBe(row.inside === 'always')
  })
})

test('templates of other protocols, and without calls, are plain text', () => {
  for (const file of [
    'openai-gpt-oss-120b',
    'google-gemma-2-2b-it',
    'microsoft-Phi-3.5-mini-instruct',
  ]) {
    const { family, reasoning, calls } = detectFormat(templates.read(file))
    expect({ family, reasoning, calls }).toEqual({ family: 'plain' })
  }
})

test('a template that shows thoughts and no calls has thoughts', () => {
  const format = detectFormat(templates.read('HuggingFaceTB-SmolLM3-3B'))
  expect(format.calls).toBeUndefined()
  expect(parse(format, '<think>\nHm.\n</think>\n\nYes.')).toEqual({
    ...{ reasoning: 'Hm.', content: 'Yes.', calls: [] },
  })
})
