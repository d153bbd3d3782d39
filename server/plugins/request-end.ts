import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'

/** Why we ended a connection under a request. */
export type Cut = 'client_too_slow' | 'request_timeout'
/** Why an answer did not arrive whole; false: it did. */
export type Left = 'client_closed_request' | Cut | false

type End = (left: Left) => void

const waiting = new WeakMap<ServerResponse, End[]>()
const cuts = new WeakMap<ServerResponse, Cut>()
/** A connection has several when its client sends them at once; only the first holds it then. */
const ofConnection = new WeakMap<Socket, Set<ServerResponse>>()

/**
 * Calls back once when a request is over; Fastify's onResponse hook does not run for those whose client
 * was gone before.
 */
export function onRequestEnd({ raw, request }: FastifyReply, end: End): void {
  const ends = waiting.get(raw)
  if (ends !== undefined) {
    ends.push(end)
    return
  }
  // One pair of listeners a response, however many want to know.
  waiting.set(raw, [end])
  const responses = responsesOf(request.raw.socket)
  responses.add(raw)
  const finish = (arrived: boolean) => {
    responses.delete(raw)
    const all = waiting.get(raw) ?? []
    waiting.set(raw, [])
    const left = arrived ? false : (cuts.get(raw) ?? 'client_closed_request')
    for (const each of all) each(left)
  }
  raw.once('finish', () => finish(true))
  raw.once('close', () => finish(raw.writableFinished))
}

/** Answers of a connection that are not sent to their end. */
export const answersUnderWay = (socket: Socket): ReadonlySet<ServerResponse> =>
  ofConnection.get(socket) ?? new Set()

/** What the end of a request that we are about to cut is put down to. */
export function blame(raw: ServerResponse, cut: Cut): void {
  cuts.set(raw, cut)
}

function responsesOf(socket: Socket): Set<ServerResponse> {
  const known = ofConnection.get(socket)
  if (known !== undefined) return known
  const responses = new Set<ServerResponse>()
  ofConnection.set(socket, responses)
  socket.once('close', () => {
    // Node tells the first alone. Those behind it would never end, and hold their places for ever.
    for (const raw of [...responses]) if (raw.socket === null) raw.destroy().emit('close')
  })
  return responses
}
