import type { Command } from 'commander'
import type { Cause } from '../infra/causes/cause.ts'
import { status, type Status } from '../infra/status.ts'
import type { CommonOptions } from './options.ts'
import { print } from './report.ts'

export function statusCommand(command: Command): void {
  command
    .description('show what runs, and why something does not')
    .action(async (options: CommonOptions) => {
      const result = await status({ project: options.project, stackName: options.stack })
      print(options.output, result, describe(result))
      if (result.deployments.some(({ ready, wanted }) => ready < wanted)) process.exitCode = 1
    })
}

function describe(result: Status): string {
  const cluster = result.parts
    ? Object.entries(result.parts).map(([part, state]) => `  ${part.padEnd(24)} ${state}`)
    : []
  const deployments = result.deployments.flatMap(({ name, ready, wanted, causes }) => [
    `  ${name.padEnd(40)} ${ready}/${wanted} ready`,
    ...causes.flatMap(causeLines),
  ])
  const pools = result.pools.flatMap(({ name, ready, nodes, causes }) => [
    `  ${name.padEnd(40)} ${ready}/${nodes} nodes ready`,
    ...causes.flatMap(causeLines),
  ])
  return [
    `Cluster   ${result.cluster}`,
    ...cluster,
    'Deployments',
    ...(deployments.length > 0 ? deployments : ['  none']),
    ...(pools.length > 0 ? ['Node pools', ...pools] : []),
  ].join('\n')
}

const causeLines = ({ at, kind, message, since, fix }: Cause): string[] => [
  `    ${at}: ${kind}${since === undefined ? '' : `, since ${since}`}: ${message}`,
  `      Fix: ${fix}`,
]
