import type { OutputFormat } from '../output-format.ts'
import { THINK, THINK_MARKERS } from './shared-forms.ts'

const glm = (family: string, newline: string): OutputFormat => ({
  family,
  reasoning: THINK,
  calls: {
    section: { begin: `${newline}<tool_call>`, end: '</tool_call>' },
    ...{ perSection: 'one', between: '', bare: 'nowhere', endReasoning: false },
    call: {
      kind: 'named',
      head: { before: '', after: newline, open: '' },
      arguments: {
        kind: 'tagged',
        key: { before: '<arg_key>', after: `</arg_key>${newline}`, open: '<arg_value>' },
        ...{ close: `</arg_value>${newline}`, nested: false, entities: false },
      },
      ends: [],
    },
  },
  frames: [],
  markers: [
    ...['<tool_call>', '</tool_call>', '<arg_key>', '</arg_key>', '<arg_value>', '</arg_value>'],
    ...THINK_MARKERS,
  ],
})

/** GLM 4.5 and 4.6. */
export const GLM_4_5 = glm('glm-4.5', '\n')
/** The same without newlines. */
export const GLM_4_7 = glm('glm-4.7', '')
