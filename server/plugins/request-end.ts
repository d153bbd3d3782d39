import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'

type End = (left: boolean) => void

const waiting = new WeakMap<ServerResponse, End[]>()

/**
 * Calls back once when a request is over; `left`: the client was gone before its answer was sent.
 * Fastify's onResponse hook does not run for those.
 */
export function onRequestEnd({ raw }: FastifyReply, end: End): void {
  const ends = waiting.get(raw)
  if (ends !== undefined) {
    ends.push(end)
    return
  }
  // One pair of listeners a response, however many want to know.
  waiting.set(raw, [end])
  const finish = (left: boolean) => {
    const all = waiting.get(raw) ?? []
    waiting.set(raw, [])
    for (const each of all) each(left)
  }
  raw.once('finish', () => finish(false))
  raw.once('close', () => finish(!raw.writableFinished))
}
