import type { Command } from 'commander'
import { readPrices } from '../infra/nodes/prices.ts'
import { MINISTRY, rehearse, type Rehearsal } from '../infra/rehearsal/rehearse.ts'
import type { CommonOptions } from './options.ts'
import { print, report } from './report.ts'

interface RehearseOptions extends CommonOptions {
  prices?: string
  small: boolean
  keep: boolean
}

export function rehearseCommand(command: Command): void {
  command
    .description('play a stack with pools of nodes on the embedded cluster and a simulated cloud')
    .argument('[file]', 'stack file; default: a ministry with three pools', MINISTRY)
    .option('--prices <file>', 'YAML: money an hour of one card, e.g. nvidia-l40s: 1.20')
    .option('--small', 'a lost zone, down to 0 and up again alone', false)
    .option(
      '--keep',
      'leave the cluster running for a look; `down --stack rehearsal` ends it',
      false,
    )
    .action(async (file: string, options: RehearseOptions) => {
      const { project, small, keep } = options
      const prices = options.prices === undefined ? {} : await readPrices(options.prices)
      const result = await rehearse({ project, file, prices, small, keep }, report)
      print(options.output, result, describe(result))
      if (result.outcomes.some(({ ok }) => !ok)) process.exitCode = 1
    })
}

function describe({ deploySeconds, pools, outcomes, simulated, timeline }: Rehearsal): string {
  return [
    `Deployed in ${deploySeconds} s, the cluster's start included.`,
    '',
    'Node pools',
    ...pools.map(({ name, asked, zones, price }) => {
      const where = Object.entries(zones).map(([zone, count]) => `${count} in ${zone}`)
      return `  ${name.padEnd(16)} ${asked} asked for; ${where.join(', ') || 'none'}; ${price.toFixed(2)} an hour`
    }),
    '',
    'Expected, and what happened',
    ...outcomes.flatMap(({ expectation, happened, ok, seconds }) => [
      `  ${ok ? 'as expected' : 'NOT AS EXPECTED'} (${seconds} s): ${expectation}`,
      `    ${happened}`,
    ]),
    '',
    'What was simulated',
    ...simulated.map((line) => `  ${line}`),
    '',
    `Timeline: ${timeline}`,
  ].join('\n')
}
