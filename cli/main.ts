import { Command, CommanderError, Option } from 'commander'
import { join } from 'node:path'
import { ERROR_CODES, KitError, formatProblem } from '../catalog/index.ts'
import { doctorCommand } from './doctor.ts'
import { downCommand } from './down.ts'
import { engineCommand } from './engine.ts'
import { imageCommand } from './image.ts'
import { modelsCommand } from './models.ts'
import { planCommand } from './plan.ts'
import { previewCommand } from './preview.ts'
import { rehearseCommand } from './rehearse.ts'
import { statusCommand } from './status.ts'
import { upCommand } from './up.ts'

const ROOT = join(import.meta.dirname, '..')

function program(): Command {
  const serantau = new Command('serantau')
    .description('OpenAI-compatible service on an open-weight model, inside your own borders')
    .exitOverride()
    .addHelpText(
      'after',
      '\nData goes to stdout, progress to stderr. Exit codes: 0 done, 1 failed, 2 wrong stack file or command line, 3 a need of this machine is missing.',
    )
  for (const [verb, register] of Object.entries({
    up: upCommand,
    preview: previewCommand,
    down: downCommand,
    status: statusCommand,
    doctor: doctorCommand,
    image: imageCommand,
    engine: engineCommand,
    models: modelsCommand,
    plan: planCommand,
    rehearse: rehearseCommand,
  })) {
    register(withCommonOptions(serantau.command(verb)))
  }
  return serantau
}

function withCommonOptions(command: Command): Command {
  return command
    .exitOverride()
    .option(
      '-s, --stack <name>',
      'stack: Pulumi.<name>.yaml',
      process.env['SERANTAU_STACK'] ?? 'local',
    )
    .option('--project <folder>', 'folder of Pulumi.yaml and the stack files', ROOT)
    .addOption(
      new Option('-o, --output <format>', 'what stdout carries')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option('-y, --yes', 'ask nothing', false)
}

/** Shows an error as its audience needs it and returns the exit code. */
function showError(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : ERROR_CODES.USAGE.exit
  if (error instanceof KitError) {
    if (json) {
      const { code, problems } = error
      process.stdout.write(`${JSON.stringify({ error: { code, problems } })}\n`)
    }
    const lines = error.problems.map((problem) => `  ${formatProblem(problem)}`)
    process.stderr.write(`Error ${error.code}\n${lines.join('\n')}\n`)
    if (process.env['SERANTAU_DEBUG'] && error.cause) console.error(error.cause)
    return error.exitCode
  }
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  return 1
}

const wantsJson = process.argv.includes('json')
try {
  await program().parseAsync(process.argv)
} catch (error) {
  process.exitCode = showError(error, wantsJson)
}
// Pulumi's engine connection may keep the event loop alive after the work is done.
process.exit(process.exitCode ?? 0)
