import type { Command } from 'commander'
import { down } from '../infra/down.ts'
import { confirm } from './confirm.ts'
import type { CommonOptions } from './options.ts'
import { print, report } from './report.ts'

export function downCommand(command: Command): void {
  command
    .description('remove what `up` made; weights of an existing cluster stay unless --purge')
    .option('--purge', 'also remove the weights volumes', false)
    .action(async (options: CommonOptions & { purge: boolean }) => {
      await confirm(`Remove the deployment of stack "${options.stack}"?`, options.yes)
      await down(
        { project: options.project, stackName: options.stack, purge: options.purge },
        report,
      )
      print(options.output, { removed: options.stack }, `Stack ${options.stack} is down.`)
    })
}
