import { type Goal, type Judged, GOALS, judge } from './goals.ts'
import { type Kept, type Results, resultsOf, valuesOf } from './results.ts'
import { type Estimate, median } from './statistics.ts'

/** What stands above the table. */
export interface Head {
  threads: number
  /** Of the page, without its ending. */
  file: string
  model: string
  fileMiB: number
  llamaCpp: string
  /** Of our compiled engine, in their order. */
  patches: readonly string[]
}

/** Three figures are enough to compare by. */
export function show(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toFixed(digits)
}

const interval = ({ value, low, high }: Estimate): string =>
  Number.isNaN(low) ? show(value) : `${show(value)} (${show(low)}-${show(high)})`

const goalOf = ({ bound, goal, as }: Goal): string =>
  `${bound === 'least' ? '>=' : '<='} ${goal}${as === 'ratio' ? 'x' : ''}`

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')

/** What weakens a verdict stands behind it. */
function verdictOf({ verdict, runs, together, disturbed }: Judged): string {
  if (disturbed) return 'disturbed'
  const notes = [...(runs === 1 ? ['1 run'] : []), ...(together ? [] : ['two commands'])]
  return notes.length === 0 ? verdict : `${verdict} (${notes.join(', ')})`
}

export function goalTable(judged: readonly Judged[]): string {
  return table(
    ['case', 'arm', 'figure', 'against', 'figure', 'compared (95 %)', 'goal', ''],
    judged.map((each) => [
      ...[each.label, each.arm, interval(each.ours), each.other, interval(each.theirs)],
      `${interval(each.compared)}${each.as === 'ratio' ? 'x' : ''}`,
      goalOf(each),
      verdictOf(each),
    ]),
  )
}

/** Columns of the tables of all figures; times in ms. */
const METRICS = [
  ...['tokensPerSecond', 'decodePerSecond', 'guessedPerSecond', 'unguessedPerSecond'],
  ...['requestsPerSecond', 'ttftP50', 'ttftP95', 'hopMs'],
  ...[
    'itlP50',
    'itlP99',
    'longestStall',
    'capacity',
    'offeredPerSecond',
    'inTime',
    'asked',
    'served',
    'refused',
    'firstTokenMs',
    'ttft',
    'nextTtft',
  ],
  ...['mibPerThousand', 'peakMiB', 'cpuSeconds', 'clientCpuSeconds', 'otherCpuSeconds', 'load'],
  ...['resets', 'errors'],
]

/** Every figure of one workload: a row a case and arm. */
export function workloadTable(results: Results, workload: string): string {
  const arms = Object.entries(results[workload] ?? {})
  const names = [...new Set(arms.flatMap(([, { cases }]) => Object.keys(cases)))]
  // Numbers of streams; other names stay in their order.
  names.sort((a, b) => Number(a) - Number(b) || 0)
  const measured = METRICS.filter((metric) =>
    arms.some(([, { cases }]) => Object.values(cases).some((figures) => metric in figures)),
  )
  const rows = names.flatMap((name) =>
    arms.flatMap(([arm, { cases }]) => {
      const figures = cases[name]
      if (figures === undefined) return []
      const cells = measured.map((metric) => {
        const values = valuesOf(results, { workload, arm, name, metric })
        return values.length === 0 ? '' : show(median(values))
      })
      return [[name, arm, ...cells]]
    }),
  )
  return table(['case', 'arm', ...measured], rows)
}

/** The whole page of docs/reference/. */
export function page(kept: Kept, titles: Record<string, string>, head: Head): string {
  const results = resultsOf(kept)
  const judged = judge(results)
  const missing = GOALS.filter((goal) => !judged.some(({ label }) => label === goal.label))
  const workloads = Object.keys(titles).filter((name) => results[name] !== undefined)
  return [
    '# Engine benchmark',
    '',
    `${head.model} (${show(head.fileMiB)} MiB), ${head.threads} threads. Compare within a workload: others may be of another machine, which stands with each.`,
    `llama.cpp is ${head.llamaCpp} on every side: llama-server and llama-batched-bench are built from that source as it comes. Our compiled engine, which \`plain\` runs on too, has the patches of \`server/engine/patches\`: ${head.patches.join(', ')}. \`prebuilt\` has none of them; \`llama-server-kernels\` and \`batched-bench-ours\` have only its kernels.`,
    `How it is measured and how to repeat it: [Measure the engine](../how-to/measure-the-engine.md). Every value: [${head.file}.json](${head.file}.json). What holds goals that are not reached: [Limits](engine-limits.md).`,
    '',
    `![Tokens a second by streams](${head.file}.svg)`,
    '',
    '## Goals',
    '',
    goalTable(judged),
    '',
    ...(missing.length === 0
      ? []
      : [`Not measured: ${missing.map(({ label }) => label).join('; ')}.`, '']),
    'On a GPU: not measured.',
    '',
    ...workloads.flatMap((name) => [
      `## ${name}: ${titles[name]}`,
      '',
      `On ${kept[name]?.machine}. ${provenance(results, name)}`,
      '',
      workloadTable(results, name),
      '',
    ]),
  ].join('\n')
}

/** By which command, when and from which commit; arms of different commands are told apart. */
function provenance(results: Results, workload: string): string {
  const arms = Object.entries(results[workload] ?? {})
  const commands = Map.groupBy(arms, ([, { at, commit, command }]) =>
    [...(command === undefined ? [] : [`\`${command}\``]), at.slice(0, 10), commit].join(', '),
  )
  const stamps = [...commands].map(
    ([stamp, of]) => `${stamp} (${of.map(([arm]) => arm).join(', ')})`,
  )
  const flags = results[workload]?.['llama-server-best']?.flags
  return (
    `${stamps.join('; ')}.` +
    (flags === undefined ? '' : ` Best flags of llama-server: \`${flags}\`.`)
  )
}
