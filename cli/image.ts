import type { Command } from 'commander'
import { buildImage, pushImage } from '../infra/local/image.ts'
import type { CommonOptions } from './options.ts'
import { print, report } from './report.ts'

export function imageCommand(command: Command): void {
  command.description('build or push the server image')
  command
    .command('build')
    .description('build the image and print its digest')
    .action(async (_: unknown, sub: Command) => {
      const { output } = sub.optsWithGlobals<CommonOptions>()
      const image = await buildImage(report)
      print(output, image, `${image.name}@${image.digest}\n${image.archive}`)
    })
  command
    .command('push')
    .argument('<target>', 'registry/name[:tag]')
    .description('push the image and print the line for the stack file')
    .action(async (target: string, _: unknown, sub: Command) => {
      const { output } = sub.optsWithGlobals<CommonOptions>()
      const image = await buildImage(report)
      const digest = await pushImage(image.archive, target, report)
      const reference = `${target.replace(/:[^/:]+$/, '')}@${digest}`
      print(output, { image: reference }, `serantau:image: ${reference}`)
    })
}
