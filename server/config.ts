import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { KitError } from '../catalog/errors.ts'
import type { Problem } from '../catalog/errors.ts'
import { ServingConfigSchema } from '../catalog/serving-config.ts'
import type { ServingConfig } from '../catalog/serving-config.ts'

export interface ServerOptions {
  config: ServingConfig
  keysFile: string
  host: string
  port: number
  metricsPort: number
  /** Milliseconds between SIGTERM and the end of accepting: Kubernetes needs them to stop routing here. */
  drainDelayMs: number
}

const USAGE =
  'node server/main.ts --config <serving.json> --keys <keys.json> [--host 0.0.0.0] [--port 8080] ' +
  '[--metrics-port 9090] [--drain-delay-ms 3000]'

/** The only reader of the server's command line and config file. Throws KitError. */
export function readOptions(args: string[]): ServerOptions {
  const values = parseCommandLine(args)
  const config = required('--config', values.config)
  return {
    config: readServingConfig(config),
    keysFile: required('--keys', values.keys),
    host: values.host,
    port: portOf('--port', values.port),
    metricsPort: portOf('--metrics-port', values['metrics-port']),
    drainDelayMs: wholeNumber('--drain-delay-ms', values['drain-delay-ms'], 600_000),
  }
}

function parseCommandLine(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        config: { type: 'string' },
        keys: { type: 'string' },
        host: { type: 'string', default: '0.0.0.0' },
        port: { type: 'string', default: '8080' },
        'metrics-port': { type: 'string', default: '9090' },
        'drain-delay-ms': { type: 'string', default: '3000' },
      },
    }).values
  } catch (error) {
    throw usage('command line', 'known options', error instanceof Error ? error.message : 'others')
  }
}

export function readServingConfig(file: string): ServingConfig {
  const parsed = ServingConfigSchema.safeParse(readJson(file))
  if (parsed.success) return parsed.data
  const problems: Problem[] = parsed.error.issues.map((issue) => ({
    path: [file, ...issue.path.map(String)].join('.'),
    expected: issue.message,
    got: 'something else',
    fix: 'correct the file; infra writes it as catalog/serving-config.ts says',
  }))
  throw new KitError('STACK_FILE_INVALID', problems)
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw usage('--config', 'a readable JSON file', `${file}: ${(error as Error).message}`)
  }
}

function required(option: string, value: string | undefined): string {
  if (value === undefined) throw usage(option, 'a path', 'nothing')
  return value
}

const portOf = (option: string, text: string) => wholeNumber(option, text, 65_535)

function wholeNumber(option: string, text: string, most: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= most) return value
  throw usage(option, `a whole number from 0 to ${most}`, text)
}

function usage(path: string, expected: string, got: string): KitError {
  return new KitError('USAGE', { path, expected, got, fix: `use: ${USAGE}` })
}
