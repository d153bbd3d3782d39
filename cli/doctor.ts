import type { Command } from 'commander'
import { checkNeeds, type Need } from '../infra/needs.ts'
import type { CommonOptions } from './options.ts'
import { print } from './report.ts'

export function doctorCommand(command: Command): void {
  command
    .description('for each need of this machine: there, missing, how to get it')
    .action(async (options: CommonOptions) => {
      const needs = await checkNeeds()
      print(options.output, needs, needs.map(describe).join('\n'))
      if (needs.some((need) => need.state === 'missing')) process.exitCode = 3
    })
}

const describe = (need: Need): string =>
  `${need.state.padEnd(8)} ${need.name.padEnd(24)} ${need.state === 'there' ? need.detail : `${need.detail} -> ${need.how}`}`
