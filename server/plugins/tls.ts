import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Server } from 'node:https'
import type { FastifyInstance } from 'fastify'

export interface TlsFiles {
  certFile: string
  keyFile: string
}

const POLL_MS = 10_000

export const readTls = ({ certFile, keyFile }: TlsFiles) => ({
  cert: readFileSync(certFile),
  key: readFileSync(keyFile),
  minVersion: 'TLSv1.2' as const,
})

/**
 * Takes a renewed certificate without a restart. Polled, as the keys are; a pair that does not fit
 * (Kubernetes may be half way) leaves the old one in use and is tried again.
 */
export function registerTlsReload(app: FastifyInstance, files: TlsFiles, pollMs = POLL_MS): void {
  let used = readTls(files)
  const timer = setInterval(() => {
    try {
      const now = readTls(files)
      if (now.cert.equals(used.cert) && now.key.equals(used.key)) return
      createSecureContext(now)
      ;(app.server as unknown as Server).setSecureContext(now)
      used = now
      app.log.info({ event: 'certificate_reloaded' })
    } catch (error) {
      app.log.error({ event: 'certificate_broken', cause: (error as NodeJS.ErrnoException).code })
    }
  }, pollMs)
  timer.unref()
  app.addHook('onClose', async () => clearInterval(timer))
}
