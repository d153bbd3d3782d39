import type { FastifyInstance } from 'fastify'

/** Answers are nobody's but the client's, and are JSON or events whatever a browser makes of them. */
export const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
} as const
/** Only over TLS of our own: what stands in front of us speaks for itself. One year. */
const TLS_ONLY = { 'strict-transport-security': 'max-age=31536000' } as const

export function registerSecurityHeaders(app: FastifyInstance, tls: boolean): void {
  const headers = { ...SECURITY_HEADERS, ...(tls ? TLS_ONLY : {}) }
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(headers)
  })
}
