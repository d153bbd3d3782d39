import type { Command } from 'commander'
import { preview, type PreviewResult } from '../infra/preview.ts'
import type { CommonOptions } from './options.ts'
import { print, report } from './report.ts'

export function previewCommand(command: Command): void {
  command
    .description('show what `up` would change; starts and changes nothing')
    .action(async (options: CommonOptions) => {
      const result = await preview({ project: options.project, stackName: options.stack }, report)
      print(options.output, result, describe(result))
    })
}

function describe({ contacted, steps }: PreviewResult): string {
  const note = contacted
    ? []
    : ['The embedded cluster is down: objects were rendered, nothing was contacted.']
  const lines = steps.map(
    ({ op, type, name, diff }) =>
      `  ${op.padEnd(8)} ${type} ${name}${diff.length > 0 ? `  [${diff.join(', ')}]` : ''}`,
  )
  return [...note, ...(lines.length > 0 ? lines : ['  no changes'])].join('\n')
}
