import type { FastifyInstance } from 'fastify'

/** Where a server is in its life; `/health/ready` and the routes read it. */
export interface Lifecycle {
  draining: boolean
}

/**
 * While it drains a server answers, but asks its clients to connect anew, elsewhere; a connection whose
 * answer had begun before that is ended with it, before a client uses it again.
 */
export function registerDrain(app: FastifyInstance, lifecycle: Lifecycle): void {
  app.addHook('onRequest', async (_request, reply) => {
    if (lifecycle.draining) reply.header('connection', 'close')
  })
  app.addHook('onResponse', async (request) => {
    if (lifecycle.draining) request.raw.socket.end()
  })
}
