import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { onRequestEnd } from './request-end.ts'

interface Watched {
  taken: number
  since: number
}

/** Cuts a client that takes no byte of what waits for it for `slowClientMs`. */
export function registerSlowClient(app: FastifyInstance, slowClientMs: number): void {
  const open = new Map<ServerResponse, Watched>()
  app.addHook('onRequest', async (_request, reply) => {
    open.set(reply.raw, { taken: 0, since: Date.now() })
    onRequestEnd(reply, () => open.delete(reply.raw))
  })
  const timer = setInterval(
    () => {
      for (const [response, watched] of open) {
        if (isStuck(response, watched, Date.now(), slowClientMs)) response.socket?.destroy()
      }
    },
    Math.max(25, slowClientMs / 4),
  )
  timer.unref()
  app.addHook('onClose', async () => clearInterval(timer))
}

/** `bytesWritten` counts what waits in our memory too, so that is taken off again. */
function isStuck(
  response: ServerResponse,
  watched: Watched,
  now: number,
  limitMs: number,
): boolean {
  const socket = response.socket
  if (socket === null) return false
  const taken = socket.bytesWritten - socket.writableLength
  if (socket.writableLength === 0 || taken !== watched.taken) {
    watched.taken = taken
    watched.since = now
    return false
  }
  return now - watched.since >= limitMs
}
