import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Limits } from '../../catalog/serving-config.ts'
import { blame, onRequestEnd } from './request-end.ts'

interface Watched {
  arrived: number
  taken: number
  since: number
}

/** Of requests that waited here before anybody could begin with them: when that ended. */
const lateBegins = new WeakMap<ServerResponse, number>()

/** Its client is not slow for what it waited for until now. */
export function answerBeginsLate(raw: ServerResponse): void {
  lateBegins.set(raw, Date.now())
}

/**
 * Cuts a client that takes no byte of what waits for it for `slowClientMs`, and one that takes its answer so
 * slowly that it has not got it that long after the longest answer could be written.
 */
export function registerSlowClient(app: FastifyInstance, limits: Limits): void {
  const open = new Map<ServerResponse, Watched>()
  app.addHook('onRequest', async (_request, reply) => {
    const now = Date.now()
    open.set(reply.raw, { arrived: now, taken: 0, since: now })
    onRequestEnd(reply, () => open.delete(reply.raw))
  })
  const timer = setInterval(
    () => {
      for (const [response, watched] of open) {
        if (!isTooSlow(response, watched, Date.now(), limits)) continue
        blame(response, 'client_too_slow')
        response.socket?.destroy()
      }
    },
    Math.max(25, limits.slowClientMs / 4),
  )
  timer.unref()
  app.addHook('onClose', async () => clearInterval(timer))
}

/** `bytesWritten` counts what waits in our memory too, so that is taken off again. */
function isTooSlow(
  response: ServerResponse,
  watched: Watched,
  now: number,
  limits: Limits,
): boolean {
  const socket = response.socket
  // Of an answer behind another one of its connection, the first is watched.
  if (socket === null) return false
  const waits = socket.writableLength > 0
  const taken = socket.bytesWritten - socket.writableLength
  if (!waits || taken !== watched.taken) {
    watched.taken = taken
    watched.since = now
  }
  if (now - watched.since >= limits.slowClientMs) return true
  const arrived = lateBegins.get(response) ?? watched.arrived
  return waits && now - arrived >= mostMs(limits)
}

/** From the first byte of a request to the last of its answer. */
const mostMs = ({ requestReceiveMs, maxStreamMs, slowClientMs }: Limits): number =>
  requestReceiveMs + maxStreamMs + slowClientMs
