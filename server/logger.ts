import { pino } from 'pino'
import type { Logger } from 'pino'

/**
 * JSON lines on stdout. No serializer of requests or errors that could carry a header, a body or a
 * message: what is logged is chosen field by field.
 */
export function createLogger(role: string, destination?: { write(line: string): void }): Logger {
  const options = {
    base: { role },
    level: 'info',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (level: string) => ({ level }) },
    serializers: {
      req: (request: { id?: unknown }) => ({ id: request.id }),
      res: () => undefined,
      err: (error: { name?: string; code?: string }) => ({ name: error.name, code: error.code }),
    },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}
