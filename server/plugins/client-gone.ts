import type { FastifyReply } from 'fastify'
import { HttpError } from '../errors.ts'
import { onRequestEnd } from './request-end.ts'

/**
 * Aborts when the client's connection is gone; at once when it went before anyone asked. The reason
 * is an HttpError. `deadlineMs`: aborts then too.
 */
export function clientGone(reply: FastifyReply, deadlineMs?: number): AbortSignal {
  const gone = new AbortController()
  const leave = () => gone.abort(new HttpError('client_closed_request'))
  if (reply.raw.destroyed) {
    leave()
    return gone.signal
  }
  const late = () => gone.abort(new HttpError('deadline_exceeded'))
  const timer = deadlineMs === undefined ? undefined : setTimeout(late, deadlineMs)
  onRequestEnd(reply, (left) => {
    clearTimeout(timer)
    if (left) leave()
  })
  return gone.signal
}
