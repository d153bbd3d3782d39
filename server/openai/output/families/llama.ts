import type { OutputFormat } from '../output-format.ts'

/** Llama 3.1, 3.2 and 3.3: the whole answer is the call. The tag stands before it where the built-in tools are on. */
export const LLAMA_3: OutputFormat = {
  family: 'llama-3',
  calls: {
    section: { begin: '', end: '' },
    ...{ perSection: 'many', between: '; ', bare: 'at-start', endReasoning: false },
    call: { kind: 'object', argumentsKey: 'parameters' },
  },
  frames: ['<|python_tag|>'],
  markers: ['<|python_tag|>'],
}
