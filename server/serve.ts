import type { ChildProcess } from 'node:child_process'
import closeWithGrace from 'close-with-grace'
import { KitError } from '../catalog/errors.ts'
import { readOptions } from './config.ts'
import { createLogger } from './logger.ts'
import { runRole } from './run-role.ts'

/** Beyond the drain itself: time to end the engine. */
const BEYOND_DRAIN_MS = 10_000

/** Runs the role that the command line names. `forked`: the engine process of a model role. */
export async function serve(args: string[], forked: ChildProcess | undefined): Promise<void> {
  const options = readOptions(args)
  const logger = createLogger(options.config.role)
  const role = await runRole({ ...options, logger, forked })
  logger.info({ event: 'listening', host: options.host, port: role.port })
  const { drainDelayMs, config } = options
  const delay = drainDelayMs + config.limits.maxStreamMs + BEYOND_DRAIN_MS
  closeWithGrace({ delay, logger: false }, async ({ signal, err }) => {
    if (err !== undefined) logger.fatal({ event: 'crashed', errorName: err.name })
    logger.info({ event: 'draining', signal })
    await role.drain(err === undefined ? drainDelayMs : 0)
    logger.info({ event: 'stopped' })
  })
}

/** Said to whoever started the process. */
export function fail(error: unknown): never {
  const known = error instanceof KitError
  process.stderr.write(`${known ? `${error.code}: ` : ''}${(error as Error).message}\n`)
  process.exit(known ? error.exitCode : 1)
}
