import type { Command } from 'commander'
import { inspectModel } from '../weights/gguf/inspect.ts'
import type { Inspection, SeenModel } from '../weights/gguf/inspect.ts'
import { formatProblem } from '../catalog/index.ts'
import type { CommonOptions } from './options.ts'
import { print } from './report.ts'

export function modelsCommand(command: Command): void {
  command.description('look into files of weights')
  command
    .command('inspect <file>')
    .description('what a GGUF file says of itself, and whether it can be served')
    .action((file: string, _: unknown, sub: Command) => {
      const { output } = sub.optsWithGlobals<CommonOptions>()
      const found = inspectModel(file)
      print(output, found, describe(found))
      if (found.refusal !== undefined) process.exitCode = found.refusal.exitCode
    })
}

function describe({ file, bytes, model, refusal }: Inspection): string {
  const rows: [string, string][] = [
    ['file', file],
    ['size', size(bytes)],
    ...(model === undefined ? [] : rowsOf(model)),
    [
      'verdict',
      refusal === undefined ? 'can be served' : `${refusal.code}, exit ${refusal.exitCode}`,
    ],
  ]
  const why = refusal?.problems.map((problem) => `  ${formatProblem(problem)}`) ?? []
  return [...rows.map(([label, value]) => `${label.padEnd(14)} ${value}`), ...why].join('\n')
}

function rowsOf(model: SeenModel): [string, string][] {
  const { chatTemplate: template } = model
  const types = model.tensorTypes.map(
    ({ type, tensors, bytes }) => `${type} in ${tensors} (${size(bytes)})`,
  )
  return [
    ['format', `GGUF version ${model.version}`],
    ['architecture', model.architecture ?? 'none'],
    ['name', model.name ?? 'none'],
    ['licence', model.licence ?? 'none'],
    ['parameters', grouped(model.parameters)],
    ['tensors', types.join(', ') || 'none'],
    ['context', model.contextLength === undefined ? 'none' : `${model.contextLength} tokens`],
    ['vocabulary', `${model.vocabularySize} tokens`],
    ['pooling', model.pooling ?? 'none'],
    [
      'chat template',
      template === undefined ? 'none' : `${size(template.bytes)}, SHA-256 ${template.sha256}`,
    ],
  ]
}

const grouped = (value: number) => value.toLocaleString('en')
const size = (bytes: number) => `${grouped(bytes)} bytes`
