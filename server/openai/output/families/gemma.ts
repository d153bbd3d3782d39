import type { OutputFormat } from '../output-format.ts'

/** Gemma 4. Its forerunners have no form of calls of their own. */
export const GEMMA_4: OutputFormat = {
  family: 'gemma-4',
  reasoning: { begin: '<|channel>thought\n', end: '\n<channel|>', anywhere: true },
  calls: {
    section: { begin: '<|tool_call>', end: '<tool_call|>' },
    ...{ perSection: 'one', between: '', bare: 'nowhere', endReasoning: false },
    call: {
      kind: 'named',
      head: { before: 'call:', after: '', open: '' },
      arguments: { kind: 'braced', quote: '<|"|>' },
      ends: [],
    },
  },
  // The end of thoughts, which these models write now and then where there are none.
  frames: ['<channel|>'],
  markers: ['<|channel>', '<channel|>', '<|tool_call>', '<tool_call|>', '<|"|>'],
}
