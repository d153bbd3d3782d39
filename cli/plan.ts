import { InvalidArgumentError, Option, type Command } from 'commander'
import { ACCELERATORS } from '../catalog/accelerators/index.ts'
import { CACHE_TYPE_IDS, type CacheType } from '../catalog/cache-type.ts'
import { insteadOf, type Instead } from '../infra/nodes/instead.ts'
import type { Layout } from '../infra/nodes/memory.ts'
import { planOf, totalOf, type Plan, type PlanRow } from '../infra/nodes/plan.ts'
import { findModel, type Found } from '../infra/nodes/planned-model.ts'
import { readPrices } from '../infra/nodes/prices.ts'
import type { CommonOptions } from './options.ts'
import { print } from './report.ts'

interface PlanOptions extends CommonOptions {
  quantization?: string
  context: number
  slots: number
  cacheType: CacheType
  replicas: number
  prices?: string
}

export function planCommand(command: Command): void {
  command
    .description('what a model takes, and which accelerators hold it')
    .argument('<model>', 'id of the catalogue, GGUF file, or https URL of one')
    .option('-q, --quantization <name>', "of the catalogue; default: the row's first file")
    .option('-c, --context <tokens>', 'of one request', wholeNumber, 8192)
    .option('--slots <number>', 'requests decoded at once by a replica', wholeNumber, 4)
    .option('--replicas <number>', 'of the model', wholeNumber, 1)
    .option('--prices <file>', 'YAML: money an hour of one card, e.g. nvidia-l40s: 1.20')
    .addOption(
      new Option(
        '--cache-type <type>',
        'of keys and values; `cacheType` of a model in the stack file',
      )
        .choices(CACHE_TYPE_IDS)
        .default('f16'),
    )
    .action(async (name: string, options: PlanOptions) => {
      const { quantization, context: contextSize, slots, cacheType, replicas } = options
      const prices = options.prices === undefined ? {} : await readPrices(options.prices)
      const found = await findModel(name, quantization)
      const plan = planOf(found.model, { contextSize, slots, cacheType }, replicas, prices)
      const rows = plan.rows.map((row) => ({ ...row, ...instead(row, found, plan.layout) }))
      print(options.output, { ...plan, rows }, describe(plan, rows))
    })
}

type Row = PlanRow & { instead?: Instead }

const instead = ({ id, verdict }: PlanRow, { model, files }: Found, layout: Layout) =>
  verdict.kind === 'too big' ? { instead: insteadOf(model, layout, files, ACCELERATORS[id]) } : {}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (/^[1-9][0-9]{0,8}$/.test(text)) return value
  throw new InvalidArgumentError('expected a whole number above 0.')
}

function describe(plan: Plan, rows: readonly Row[]): string {
  const { weights, cache, states, compute } = plan.memory
  const { contextSize, slots, cacheType } = plan.layout
  const parts: [string, number][] = [
    ['weights', weights],
    ['cache', cache],
    ...(states > 0 ? ([['states', states]] satisfies [string, number][]) : []),
    ['compute', compute],
    ['together', totalOf(plan)],
  ]
  return [
    `${plan.model}: ${slots} slots of ${contextSize} tokens, cache ${cacheType}, replicas ${plan.replicas}`,
    ...parts.map(([name, bytes]) => `  ${name.padEnd(10)} ${gibibytes(bytes).padStart(10)}`),
    '',
    ...table(rows),
  ].join('\n')
}

function table(rows: readonly Row[]): string[] {
  const cells = rows.map((row) => [ACCELERATORS[row.id].name, ...verdictCells(row)])
  const all = [['accelerator', 'cards', 'fullest', 'tok/s at most: one / all', ''], ...cells]
  const widths = [0, 1, 2, 3].map((at) => Math.max(...all.map((line) => (line[at] ?? '').length)))
  return all.map((line) =>
    line
      .map((cell, at) =>
        at === 0 || at > 3 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
}

function verdictCells({ verdict, instead }: Row): string[] {
  switch (verdict.kind) {
    case 'cpu':
      return ['-', gibibytes(verdict.bytes), '', "of the node's memory, both processes included"]
    case 'refused':
      return ['-', '', '', verdict.reason]
    case 'too big':
      return ['-', gibibytes(verdict.fullest), '', insteadText(instead)]
    case 'fits': {
      const { speed, cost } = verdict
      const bound = speed === undefined ? 'unknown' : `${round(speed.one)} / ${round(speed.all)}`
      return [
        `${verdict.allCards}`,
        gibibytes(verdict.fullest),
        bound,
        cost === undefined ? '' : `${cost.toFixed(2)} an hour`,
      ]
    }
  }
}

function insteadText(found: Instead | undefined): string {
  const ways = [
    found?.contextSize && `--context ${found.contextSize}`,
    found?.cacheType && `--cache-type ${found.cacheType}`,
    found?.slots && `--slots ${found.slots}`,
    found?.quantization && `--quantization ${found.quantization}`,
  ].filter((way) => way)
  return ways.length === 0
    ? 'too big for eight'
    : `too big for eight; would fit: ${ways.join(', or ')}`
}

const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`
const round = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)}`
