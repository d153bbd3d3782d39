import { ACCELERATOR_IDS } from '../../catalog/accelerator.ts'
import type { Accelerator, AcceleratorId } from '../../catalog/accelerator.ts'
import { ACCELERATORS } from '../../catalog/accelerators/index.ts'
import { BASE_MODELS } from '../../catalog/models/index.ts'
import type { Layout } from '../../infra/nodes/memory.ts'
import { planOf, totalOf, type Plan } from '../../infra/nodes/plan.ts'
import { ofRow } from '../../infra/nodes/planned-model.ts'

/** What the table of bases is made for. */
const LAYOUT: Layout = { contextSize: 8192, slots: 4, cacheType: 'f16' }
const CARDS = ACCELERATOR_IDS.filter((id) => {
  const { engine } = ACCELERATORS[id]
  return 'image' in engine && engine.image !== 'cpu'
})

/** Docs: every accelerator with its sources, and which base lies on how many of which. */
export function acceleratorsPage(note: string): string {
  return [
    '# Accelerators, and which of them hold which base',
    note,
    '',
    'Memory is what a driver reports of one card, bandwidth what its maker states. [Plan a model](../how-to/plan-memory.md) of your own, with your context and slots, by `serantau plan`.',
    '',
    ...table(
      ['id', 'card', 'memory', 'bandwidth', 'resource', 'image', 'partitions', 'sources'],
      ACCELERATOR_IDS.map(rowOf),
    ),
    '## Which card for which base',
    '',
    `Cards of one replica with ${LAYOUT.slots} slots of ${LAYOUT.contextSize} tokens, the cache in ${LAYOUT.cacheType}, and the first quantization of the row; \`-\`: eight are too few. "Together" is weights, cache and buffers.`,
    'A replica lies on one node. Files of rows that no test of this project has served are planned by what their makers and packagers publish.',
    '',
    ...table(
      ['base', 'together', ...CARDS.map((id) => `\`${id}\``)],
      Object.values(BASE_MODELS).map((model) => {
        const { model: planned } = ofRow(model, undefined)
        const plan = planOf(planned, LAYOUT, 1)
        return [planned.name, gibibytes(totalOf(plan)), ...CARDS.map((id) => cardsOf(plan, id))]
      }),
    ),
  ].join('\n')
}

function rowOf(id: AcceleratorId): string[] {
  const row = ACCELERATORS[id]
  return [
    `\`${id}\``,
    row.name,
    row.memoryMiB === undefined ? '' : `${row.memoryMiB.toLocaleString('en')} MiB`,
    row.bandwidthGBs === undefined ? 'unknown' : `${row.bandwidthGBs.toLocaleString('en')} GB/s`,
    row.resource === undefined ? '' : `\`${row.resource}\``,
    imageOf(row),
    row.slices.map(({ profile }) => profile).join(', '),
    row.sources.map(({ facts, url, date }) => `[${facts}](${url}) (${date})`).join('; '),
  ]
}

const imageOf = ({ engine }: Accelerator) =>
  'refused' in engine ? `none: ${engine.refused}` : engine.image

/** Of one replica. */
function cardsOf(plan: Plan, id: AcceleratorId): string {
  const verdict = plan.rows.find((row) => row.id === id)?.verdict
  return verdict?.kind === 'fits' ? `${verdict.cards}` : '-'
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]) => [
  `| ${head.join(' | ')} |`,
  `|${head.map(() => '---').join('|')}|`,
  ...rows.map((cells) => `| ${cells.join(' | ')} |`),
  '',
]

const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`
