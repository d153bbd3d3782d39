import type { FastifyInstance } from 'fastify'

/** Where a server is in its life; `/health/ready` and the routes read it. */
export interface Lifecycle {
  draining: boolean
}

/** While it drains a server answers, but asks its clients to connect anew, elsewhere. */
export function registerDrain(app: FastifyInstance, lifecycle: Lifecycle): void {
  app.addHook('onRequest', async (_request, reply) => {
    if (lifecycle.draining) reply.header('connection', 'close')
  })
}
