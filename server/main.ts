/** `node server/main.ts --config serving.json --keys keys.json`: one role, as the image runs it. */
import closeWithGrace from 'close-with-grace'
import { KitError } from '../catalog/errors.ts'
import { readOptions } from './config.ts'
import { createLogger } from './logger.ts'
import { runRole } from './run-role.ts'

/** Beyond the drain itself: time to end the engine. */
const BEYOND_DRAIN_MS = 10_000

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  const logger = createLogger(options.config.role)
  const role = await runRole({ ...options, logger })
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

main().catch((error: unknown) => {
  const known = error instanceof KitError
  process.stderr.write(`${known ? `${error.code}: ` : ''}${(error as Error).message}\n`)
  process.exit(known ? error.exitCode : 1)
})
