import type { FastifyInstance } from 'fastify'
import type { Engine } from '../engine/engine.ts'
import type { Lifecycle } from '../plugins/lifecycle.ts'

const FRESH_MS = 30_000
const PROBE_MS = 5000

/** Live: the process answers. Ready: a token was decoded lately, by a request or by a probe. */
export function registerHealthRoutes(
  app: FastifyInstance,
  engine: Engine,
  lifecycle: Lifecycle,
): void {
  let probing: Promise<boolean> | undefined
  const probe = () =>
    (probing ??= engine.probe(PROBE_MS).finally(() => {
      probing = undefined
    }))
  app.get('/health/live', async () => ({ status: 'live' }))
  app.get('/health/ready', async (_request, reply) => {
    const cause = await notReady(engine, lifecycle, probe)
    if (cause === undefined) return { status: 'ready' }
    return reply.code(503).send({ status: 'not ready', cause })
  })
}

async function notReady(
  engine: Engine,
  lifecycle: Lifecycle,
  probe: () => Promise<boolean>,
): Promise<string | undefined> {
  if (lifecycle.draining) return 'shutting down'
  const { state, cause, msSinceStep } = engine.status()
  if (state !== 'ready') return cause ?? `the engine is ${state}`
  if (msSinceStep !== undefined && msSinceStep <= FRESH_MS) return undefined
  return (await probe()) ? undefined : 'no token was decoded lately'
}
