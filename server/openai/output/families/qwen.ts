import type { OutputFormat } from '../output-format.ts'
import { THINK_LINES, THINK_MARKERS } from './shared-forms.ts'

/** Hermes, Qwen 2.5, QwQ, Qwen 3, SmolLM3. */
export const HERMES: OutputFormat = {
  family: 'hermes',
  reasoning: THINK_LINES,
  calls: {
    section: { begin: '<tool_call>\n', end: '\n</tool_call>' },
    ...{ perSection: 'one', between: '\n', bare: 'nowhere', endReasoning: false },
    call: { kind: 'object', argumentsKey: 'arguments' },
  },
  frames: [],
  markers: ['<tool_call>', '</tool_call>', ...THINK_MARKERS],
}

/** Qwen3-Coder, Qwen 3.5. */
export const QWEN3_CODER: OutputFormat = {
  family: 'qwen3-coder',
  reasoning: THINK_LINES,
  calls: {
    section: { begin: '<tool_call>\n', end: '</tool_call>' },
    // These models leave <tool_call> out now and then.
    ...{ perSection: 'one', between: '\n', bare: 'anywhere', endReasoning: true },
    call: {
      kind: 'named',
      head: { before: '<function=', after: '>\n', open: '' },
      arguments: {
        kind: 'tagged',
        key: { before: '<parameter=', after: '>\n', open: '' },
        ...{ close: '\n</parameter>\n', nested: false, entities: false },
      },
      ends: ['</function>\n'],
    },
  },
  frames: [],
  markers: ['<tool_call>', '</tool_call>', ...THINK_MARKERS],
}
