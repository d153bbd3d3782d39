import closeWithGrace from 'close-with-grace'
import type { ServerOptions } from './config.ts'
import type { EarlyEngine } from './engine/early-engine.ts'
import { createLogger } from './logger.ts'
import { drainMs, runRole } from './run-role.ts'

/** Beyond the drain itself: time to end the engine. */
const BEYOND_DRAIN_MS = 10_000

/** Runs one role. `early`: the engine of a model role. */
export async function serve(options: ServerOptions, early: EarlyEngine | undefined): Promise<void> {
  const logger = createLogger(options.config.role)
  const role = await runRole({ ...options, logger, early })
  logger.info({ event: 'listening', host: options.host, port: role.port })
  const { drainDelayMs, config } = options
  const delay = drainMs(config, drainDelayMs) + BEYOND_DRAIN_MS
  closeWithGrace({ delay, logger: false }, async ({ signal, err }) => {
    if (err !== undefined) logger.fatal({ event: 'crashed', errorName: err.name })
    logger.info({ event: 'draining', signal })
    await role.drain(err === undefined ? drainDelayMs : 0)
    logger.info({ event: 'stopped' })
  })
}
