import type { Attributes, OutputFormat } from '../output-format.ts'
import { NO_TEXT, TEXT_ONLY, VALUE_TYPES } from '../value-schema.ts'
import { THINK, THINK_MARKERS, tag } from './shared-forms.ts'

/** The calls of a conversation are counted. */
const INDEX = { json: { type: 'integer', minimum: 0 } }

/** K2 and K2-Thinking. */
export const KIMI_K2: OutputFormat = {
  family: 'kimi-k2',
  reasoning: THINK,
  calls: {
    section: { begin: '<|tool_calls_section_begin|>', end: '<|tool_calls_section_end|>' },
    // These models leave the section's markers out now and then, also while they think.
    ...{ perSection: 'many', between: '', bare: 'anywhere', endReasoning: true },
    call: {
      kind: 'named',
      head: {
        ...{ before: '<|tool_call_begin|>', prefix: 'functions.', after: ':' },
        open: '<|tool_call_argument_begin|>',
        attributes: { pattern: /^\d*\s*$/, write: () => [INDEX] },
      },
      arguments: { kind: 'json' },
      ends: ['<|tool_call_end|>'],
    },
  },
  callId: (name, number) => `functions.${name}:${number}`,
  frames: [],
  markers: [
    ...['<|tool_calls_section_begin|>', '<|tool_calls_section_end|>', '<|tool_call_begin|>'],
    ...['<|tool_call_argument_begin|>', '<|tool_call_end|>', ...THINK_MARKERS],
  ],
}

const element = (name: string) => ({
  begin: `<|open|>${name}<|sep|>`,
  end: `<|close|>${name}<|sep|>`,
})

const TYPE: Attributes = {
  write: (types) => [{ text: ` type="${VALUE_TYPES.find((type) => types.has(type)) ?? 'null'}"` }],
  pattern: /^\s*(?:type="(\w+)")?\s*$/,
  types: (value) => (value === 'string' ? TEXT_ONLY : NO_TEXT),
}

export const KIMI_K3: OutputFormat = {
  family: 'kimi-k3',
  content: element('response'),
  reasoning: { ...element('think'), anywhere: false },
  calls: {
    section: element('tools'),
    ...{ perSection: 'many', between: '', bare: 'nowhere', endReasoning: false },
    call: {
      kind: 'named',
      head: tag('<|open|>call tool="', '<|sep|>', {
        pattern: /^\s*(?:index="\d+")?\s*$/,
        write: () => [{ text: ' index="' }, INDEX, { text: '"' }],
      }),
      arguments: {
        kind: 'tagged',
        key: tag('<|open|>argument key="', '<|sep|>', TYPE),
        ...{ close: element('argument').end, nested: false, entities: true },
      },
      ends: [element('call').end],
    },
  },
  frames: [
    ...[element('response').begin, element('response').end],
    ...[element('message').end, '<|end_of_msg|>'],
  ],
  markers: ['<|open|>', '<|close|>', '<|sep|>'],
}
