/**
 * All that the engine makes of conversations otherwise than Python does: docs/concepts/tool-calls.md says
 * what it means for a client.
 */
import type { CallShape } from '../../server/engine/call-shape.ts'
import { CONVERSATIONS } from './conversations.ts'

export interface Difference {
  why: string
  templates: readonly string[]
  /** Names of conversations. */
  conversations: readonly string[]
  /** What the engine renders where Python renders `text`; or what is in the error of the one that refuses. */
  differs:
    { engine: (text: string) => string } | { engineRefuses: string } | { pythonRefuses: string }
}

const NAMES = Object.keys(CONVERSATIONS)
const isOffered = (name: string) => (CONVERSATIONS[name]?.tools.length ?? 0) > 0

const BARE_TYPE = 'a tool with an argument of two types'

/** HTML's signs for what Python's `safe` makes of a text that is joined to it. */
const unescaped = (text: string) =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')

export const DIFFERENCES: readonly Difference[] = [
  {
    why: 'white space is cut off a text as in C, not as in Unicode',
    templates: [
      ...['MiniMax-M1', 'NVIDIA-Nemotron-Nano-v2', 'Qwen3.5-4B', 'google-gemma-2-2b-it'],
      ...['google-gemma-4-31B-it', 'google-gemma-4-31B-it-interleaved', 'llama-cpp-rwkv-world'],
      ...['meta-llama-Llama-3.1-8B-Instruct', 'meta-llama-Llama-3.2-3B-Instruct'],
      'meta-llama-Llama-3.3-70B-Instruct',
    ],
    conversations: ['white space of other scripts around'],
    differs: { engine: (text) => text.replace('hi', '\u00a0hi\u3000') },
  },
  {
    why: 'nothing is printed for null in a schema',
    templates: [
      ...['GigaChat3-10B-A1.8B', 'GigaChat3.1-10B-A1.8B', 'meetkai-functionary-medium-v3.2'],
    ],
    conversations: [BARE_TYPE],
    differs: { engine: (text) => text.replace(/([Dd]efault(?:: |=))None/, '$1') },
  },
  {
    why: 'nothing is printed for lists and objects',
    templates: ['openbmb-MiniCPM5-1B'],
    conversations: ['arguments of every kind'],
    differs: { engine: (text) => text.replace(/"(empty|none|deep)">[[{].*?</g, '"$1"><') },
  },
  {
    why: 'the engine knows no text that is marked as safe HTML',
    templates: ['meetkai-functionary-medium-v3.1'],
    conversations: NAMES.filter(isOffered),
    differs: { engine: unescaped },
  },
  {
    why: 'a type that a schema leaves open is looked for in a list',
    templates: ['ByteDance-Seed-OSS'],
    conversations: [BARE_TYPE],
    differs: { engineRefuses: 'Cannot perform operation in on undefined values' },
  },
  {
    why: 'a template for tools goes through them without a look whether there are any',
    templates: [
      'CohereForAI-c4ai-command-r-plus-tool_use',
      'NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use',
      'NousResearch-Hermes-3-Llama-3.1-8B-tool_use',
    ],
    conversations: NAMES.filter((name) => !isOffered(name)),
    differs: { pythonRefuses: "TypeError: 'NoneType' object is not iterable" },
  },
  {
    why: 'a description that is not there is joined to a text',
    templates: ['CohereForAI-c4ai-command-r-plus-tool_use'],
    conversations: [BARE_TYPE],
    differs: { pythonRefuses: "UndefinedError: 'dict object' has no attribute 'description'" },
  },
  {
    why: 'its makers give it variables of their own',
    templates: ['fireworks-ai-llama-3-firefunction-v2'],
    conversations: NAMES,
    differs: { pythonRefuses: "UndefinedError: 'functions' is undefined" },
  },
  {
    why: 'llama.cpp wrote it for its own renderer',
    templates: ['llama-cpp-deepseek-r1'],
    conversations: NAMES.filter(isOffered),
    differs: { pythonRefuses: 'TypeError: Object of type generator is not JSON serializable' },
  },
  {
    why: 'it looks at the last of no messages',
    templates: ['NVIDIA-Nemotron-Nano-v2'],
    conversations: ['system messages alone'],
    differs: { pythonRefuses: 'UndefinedError: list object has no element -1' },
  },
]

/** Templates that fill lists, which Hugging Face's sandbox forbids: their makers render them without it. */
export const GROWING_LISTS: ReadonlySet<string> = new Set(['Kimi-K2-Instruct', 'Kimi-K2-Thinking'])

/**
 * Templates that refuse several calls of a message, or write the first alone: the engine tells them one by
 * one. By the name of a conversation, the one that Python is given in its place.
 */
const SINGLE_CALLS: ReadonlySet<string> = new Set([
  ...['meta-llama-Llama-3.1-8B-Instruct', 'meta-llama-Llama-3.2-3B-Instruct'],
  ...['meta-llama-Llama-3.3-70B-Instruct', 'GigaChat3-10B-A1.8B', 'GigaChat3.1-10B-A1.8B'],
  'openai-gpt-oss-120b',
])
export const toldAs = (template: string, conversation: string): string =>
  conversation === 'parallel calls' && SINGLE_CALLS.has(template)
    ? 'the same calls, one by one'
    : conversation

/** Of templates that take calls otherwise than Hugging Face says. */
const SHAPES: Readonly<Record<string, Partial<CallShape>>> = {
  'deepseek-ai-DeepSeek-R1-Distill-Llama-8B': { noContent: null, arguments: 'json' },
  'deepseek-ai-DeepSeek-R1-Distill-Qwen-32B': { noContent: null },
  'meetkai-functionary-medium-v3.2': { arguments: 'json' },
}
export const callShape = (template: string): CallShape => ({
  ...{ noContent: '', arguments: 'members', printsNull: false, single: false },
  ...SHAPES[template],
})

/** What is not told to the model, although the template knows of tools: its makers write it into the content. */
export const UNTOLD_CALLS: ReadonlySet<string> = new Set([
  ...['LFM2-8B-A1B', 'LFM2.5-Instruct', 'ibm-granite-granite-3.3-2B-Instruct'],
])
