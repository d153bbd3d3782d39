import { Option, type Command } from 'commander'
import { buildImage, pushImage, type BuildOptions } from '../infra/local/image.ts'
import type { CommonOptions } from './options.ts'
import { print, report } from './report.ts'

type ImageOptions = CommonOptions & Pick<BuildOptions, 'accelerator'>

const withAccelerator = (command: Command): Command =>
  command.addOption(
    new Option('--accelerator <name>', 'with the engine for it').choices(['cuda', 'vulkan']),
  )

export function imageCommand(command: Command): void {
  command.description('build or push the server image')
  withAccelerator(command.command('build'))
    .description('build the image and print its digest')
    .action(async (_: unknown, sub: Command) => {
      const { output, accelerator } = sub.optsWithGlobals<ImageOptions>()
      const image = await buildImage(report, accelerator === undefined ? {} : { accelerator })
      print(output, image, `${image.name}@${image.digest}\n${image.archive}`)
    })
  withAccelerator(command.command('push'))
    .argument('<target>', 'registry/name[:tag]')
    .description('push the image and print the line for the stack file')
    .action(async (target: string, _: unknown, sub: Command) => {
      const { output, accelerator } = sub.optsWithGlobals<ImageOptions>()
      const image = await buildImage(report, accelerator === undefined ? {} : { accelerator })
      const digest = await pushImage(image.archive, target, report)
      const reference = `${target.replace(/:[^/:]+$/, '')}@${digest}`
      print(output, { image: reference }, `serantau:image: ${reference}`)
    })
}
