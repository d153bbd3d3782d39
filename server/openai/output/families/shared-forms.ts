import type { Head, Attributes, ReasoningFormat } from '../output-format.ts'

export const THINK: ReasoningFormat = { begin: '<think>', end: '</think>', anywhere: false }
/** On lines of their own. */
export const THINK_LINES: ReasoningFormat = {
  begin: '<think>\n',
  end: '\n</think>\n\n',
  anywhere: false,
}
export const THINK_MARKERS = ['<think>', '</think>']

/** The head of a tag whose first attribute is the name. */
export const tag = (before: string, open: string, attributes?: Attributes): Head => ({
  ...{ before, after: '"', open, attributes },
})
