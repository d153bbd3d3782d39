import type { OutputFormat } from '../output-format.ts'
import { THINK_LINES, THINK_MARKERS, tag } from './shared-forms.ts'

export const MINIMAX_M1: OutputFormat = {
  family: 'minimax-m1',
  reasoning: THINK_LINES,
  calls: {
    section: { begin: '<tool_calls>\n', end: '\n</tool_calls>' },
    ...{ perSection: 'many', between: '\n', bare: 'nowhere', endReasoning: false },
    call: { kind: 'object', argumentsKey: 'arguments' },
  },
  frames: [],
  markers: ['<tool_calls>', '</tool_calls>', ...THINK_MARKERS],
}

export const MINIMAX_M2: OutputFormat = {
  family: 'minimax-m2',
  reasoning: THINK_LINES,
  calls: {
    section: { begin: '\n<minimax:tool_call>\n', end: '</minimax:tool_call>' },
    ...{ perSection: 'many', between: '', bare: 'nowhere', endReasoning: false },
    call: {
      kind: 'named',
      head: tag('<invoke name="', '>\n'),
      arguments: {
        kind: 'tagged',
        key: tag('<parameter name="', '>'),
        ...{ close: '</parameter>\n', nested: false, entities: false },
      },
      ends: ['</invoke>\n'],
    },
  },
  frames: [],
  markers: ['<minimax:tool_call>', '</minimax:tool_call>', ...THINK_MARKERS],
}

/** Stands before every tag of a call. */
const MARK = ']<]minimax[>['

export const MINIMAX_M3: OutputFormat = {
  family: 'minimax-m3',
  reasoning: { begin: '<mm:think>', end: '</mm:think>', anywhere: false },
  calls: {
    section: { begin: `${MARK}<tool_call>\n`, end: `${MARK}</tool_call>` },
    ...{ perSection: 'many', between: '', bare: 'nowhere', endReasoning: false },
    call: {
      kind: 'named',
      head: tag(`${MARK}<invoke name="`, '>'),
      arguments: {
        kind: 'tagged',
        key: { before: `${MARK}<`, after: '>', open: '' },
        ...{ close: `${MARK}</KEY>`, nested: true, entities: false },
      },
      ends: [`${MARK}</invoke>\n`],
    },
  },
  frames: [],
  markers: [MARK, '<tool_call>', '</tool_call>', '<mm:think>', '</mm:think>'],
}
