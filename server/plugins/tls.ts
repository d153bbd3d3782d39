import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Server } from 'node:https'
import type { FastifyInstance } from 'fastify'
import { KitError } from '../../catalog/errors.ts'
import type { Metrics } from './metrics.ts'

export interface TlsFiles {
  certFile: string
  keyFile: string
}

interface Pair {
  cert: Buffer
  key: Buffer
  minVersion: 'TLSv1.2'
}

const POLL_MS = 10_000

/** Certificate and key, which fit each other. Throws KitError CERTIFICATE_UNUSABLE. */
export function readTls({ certFile, keyFile }: TlsFiles): Pair {
  try {
    const pair: Pair = {
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
      minVersion: 'TLSv1.2',
    }
    createSecureContext(pair)
    return pair
  } catch (error) {
    throw new KitError('CERTIFICATE_UNUSABLE', {
      path: `${certFile}, ${keyFile}`,
      expected: 'a certificate and its key, in PEM',
      // Of OpenSSL's words none is of a file's content.
      got: (error as NodeJS.ErrnoException).code ?? 'something else',
      fix: 'put both into the Secret (kubernetes.io/tls), from one issue',
    })
  }
}

/**
 * Takes a renewed certificate without a restart. Polled, as the keys are; a pair that does not fit
 * (Kubernetes may be half way) leaves the old one in use and is tried again.
 */
export function registerTlsReload(
  app: FastifyInstance,
  files: TlsFiles,
  metrics: Metrics,
  pollMs = POLL_MS,
): void {
  let used = readTls(files)
  metrics.gauge(
    'serantau_tls_not_after_timestamp_seconds',
    'End of the certificate in use, Unix time',
    () => Date.parse(new X509Certificate(used.cert).validTo) / 1000,
  )
  const timer = setInterval(() => {
    try {
      const now = readTls(files)
      if (now.cert.equals(used.cert) && now.key.equals(used.key)) return
      ;(app.server as unknown as Server).setSecureContext(now)
      used = now
      app.log.info({ event: 'certificate_reloaded' })
    } catch (error) {
      app.log.error({ event: 'certificate_broken', cause: (error as Error).message })
    }
  }, pollMs)
  timer.unref()
  app.addHook('onClose', async () => clearInterval(timer))
}
