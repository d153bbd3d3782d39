import type { Command } from 'commander'
import { installAddon } from '../infra/local/engine-addon.ts'
import type { CommonOptions } from './options.ts'
import { print, report } from './report.ts'

interface BuildOptions extends CommonOptions {
  allVariants: boolean
  patches: boolean
}

export function engineCommand(command: Command): void {
  command.description('compile the engine, which serves faster than the prebuilt one')
  command
    .command('build')
    .description('compile it once and let `npm start` use it')
    .option('--all-variants', 'for every CPU instead of the one of this machine', false)
    .option('--no-patches', 'without our patches')
    .action(async (_: unknown, sub: Command) => {
      const { output, allVariants, patches } = sub.optsWithGlobals<BuildOptions>()
      const kind = allVariants ? 'all-variants' : 'native'
      const { placed, record } = await installAddon(report, kind, { patches })
      const cpu = record.cpu?.model ?? 'every CPU'
      const made = record.patches.length === 0 ? 'none' : record.patches.join(', ')
      print(output, { placed, record }, `engine   ${placed}\ncpu      ${cpu}\npatches  ${made}`)
    })
}
