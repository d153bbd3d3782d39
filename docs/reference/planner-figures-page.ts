import { BASE_MODELS } from '../../catalog/models/index.ts'
import { plannedOf } from '../../test/infra/nodes/planned-figure.ts'
import {
  MEBIBYTE,
  PUBLISHED_FIGURES,
  type PublishedFigure,
} from '../../test/infra/nodes/published-figures.ts'

/** Docs: what others state of the memory of large bases, and what the planner says of the same. */
export function plannerFiguresPage(note: string): string {
  const bases = new Set(PUBLISHED_FIGURES.map(({ base }) => base))
  const without = Object.values(BASE_MODELS)
    .filter(({ id, verified }) => verified !== 'served here' && !bases.has(id))
    .map(({ id }) => `\`${id}\``)
  return [
    '# The planner against published figures',
    note,
    '',
    `${PUBLISHED_FIGURES.length} figures of ${bases.size} bases that no test of this project can load. A test (\`test/infra/nodes/published-figures.test.ts\`) holds \`serantau plan\` to each`,
    'within the tolerance that its line names. What the engine itself allocates for smaller models is in [the campaign `planner`](campaigns/planner.md).',
    '',
    '| base | part | stated of | stated | planned | difference | tolerance | source |',
    '|---|---|---|---|---|---|---|---|',
    ...PUBLISHED_FIGURES.map(lineOf),
    '',
    '- Source: *at* was read there or in a stored copy of it; *quoted* is only what others say that it says. The day is that of the statement, or of reading where the source shows none.',
    '- Compute: builds of llama.cpp reserve logits of every token of a step unless they are told how many are wanted; "planned" is with these. The engine here reserves those of its slots, so its plan is less.',
    '- Cache and compute: where no program is named, the log is one of ik_llama.cpp, a fork that lays both out as llama.cpp did.',
    '- Cache: with windows (Gemma 3), only programs that keep what windows have passed are compared, as the engine here does; llama.cpp without `--swa-full` takes less.',
    '- Files of DeepSeek of before April 2025 hold whole heads: such a file takes 71 times the cache of the row. `serantau plan` of the file itself says so, because its header does.',
    `- No figure with its conditions was found for ${without.join(', ')}.`,
    '',
  ].join('\n')
}

function lineOf(figure: PublishedFigure): string {
  const { base, part, of, bytes, tolerance, source } = figure
  const planned = plannedOf(figure)
  const size = part === 'bytes a token' ? inBytes : inMebibytes
  const cells = [
    ...[`\`${base}\``, part, of, size(bytes), size(planned), percent(planned / bytes - 1)],
    `${Number((tolerance.within * 100).toFixed(2))} %: ${tolerance.why}`,
    `[${placeOf(source.url)}](${source.url}), ${source.date}, ${source.seen}`,
  ]
  return `| ${cells.join(' | ')} |`
}

/** Host, and owner and name of a repository. */
function placeOf(url: string): string {
  const { hostname, pathname } = new URL(url)
  return [hostname, ...pathname.split('/').slice(1, 3)].join('/')
}

const inBytes = (bytes: number) => `${bytes.toLocaleString('en')} B`
const inMebibytes = (bytes: number) =>
  `${(bytes / MEBIBYTE).toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })} MiB`

function percent(part: number): string {
  const figure = (part * 100).toFixed(2)
  return Number(figure) === 0 ? '0 %' : `${part > 0 ? '+' : ''}${figure} %`
}
