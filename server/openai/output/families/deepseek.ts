import type { Attributes, OutputFormat } from '../output-format.ts'
import { NO_TEXT, TEXT_ONLY, isTextOnly } from '../value-schema.ts'
import { THINK, THINK_MARKERS, tag } from './shared-forms.ts'

const SECTION = { begin: '<｜tool▁calls▁begin｜>', end: '<｜tool▁calls▁end｜>' }
const MARKERS = [
  ...[SECTION.begin, SECTION.end, '<｜tool▁call▁begin｜>', '<｜tool▁call▁end｜>', '<｜tool▁sep｜>'],
  ...THINK_MARKERS,
]

/** V3, R1 and the models distilled from it. */
export const DEEPSEEK_R1: OutputFormat = {
  family: 'deepseek-r1',
  reasoning: { ...THINK, begin: '<think>\n' },
  calls: {
    section: SECTION,
    ...{ perSection: 'many', between: '\n', bare: 'nowhere', endReasoning: false },
    call: {
      kind: 'named',
      head: {
        ...{ before: '<｜tool▁call▁begin｜>', prefix: 'function<｜tool▁sep｜>' },
        ...{ after: '\n', open: '```json\n' },
      },
      arguments: { kind: 'json' },
      ends: ['\n```', '<｜tool▁call▁end｜>'],
    },
  },
  frames: [],
  markers: MARKERS,
}

export const DEEPSEEK_V3_1: OutputFormat = {
  family: 'deepseek-v3.1',
  reasoning: THINK,
  calls: {
    section: SECTION,
    ...{ perSection: 'many', between: '', bare: 'nowhere', endReasoning: false },
    call: {
      kind: 'named',
      head: { before: '<｜tool▁call▁begin｜>', after: '<｜tool▁sep｜>', open: '' },
      arguments: { kind: 'json' },
      ends: ['<｜tool▁call▁end｜>'],
    },
  },
  frames: [],
  markers: MARKERS,
}

const STRING: Attributes = {
  write: (types) => [{ text: ` string="${isTextOnly(types)}"` }],
  pattern: /^\s*(?:string="(true|false)")?\s*$/,
  types: (value) => (value === 'true' ? TEXT_ONLY : NO_TEXT),
}

const dsml = (family: string, section: string): OutputFormat => ({
  family,
  reasoning: THINK,
  calls: {
    section: { begin: `\n\n<｜DSML｜${section}>\n`, end: `</｜DSML｜${section}>` },
    ...{ perSection: 'many', between: '', bare: 'nowhere', endReasoning: true },
    call: {
      kind: 'named',
      head: tag('<｜DSML｜invoke name="', '>\n'),
      arguments: {
        kind: 'tagged',
        key: tag('<｜DSML｜parameter name="', '>', STRING),
        ...{ close: '</｜DSML｜parameter>\n', nested: false, entities: false },
      },
      ends: ['</｜DSML｜invoke>\n'],
    },
  },
  frames: [],
  markers: ['｜DSML｜', ...THINK_MARKERS],
})

export const DEEPSEEK_V3_2 = dsml('deepseek-v3.2', 'function_calls')
export const DEEPSEEK_V4 = dsml('deepseek-v4', 'tool_calls')
