import type { FastifyReply } from 'fastify'
import { HttpError } from '../errors.ts'
import { onRequestEnd } from './request-end.ts'

/**
 * Aborts when nobody waits for the answer any more: the client's connection is gone (at once when it went
 * before anyone asked), `deadlineMs` are over, or the server ends. The reason is an HttpError.
 */
export function clientGone(reply: FastifyReply, deadlineMs?: number): AbortSignal {
  const gone = new AbortController()
  const leave = () => gone.abort(new HttpError('client_closed_request'))
  if (reply.raw.destroyed) {
    leave()
    return gone.signal
  }
  const { answersEnd } = reply.server
  const end = () => gone.abort(answersEnd.reason)
  const late = () => gone.abort(new HttpError('deadline_exceeded'))
  const timer = deadlineMs === undefined ? undefined : setTimeout(late, deadlineMs)
  if (answersEnd.aborted) end()
  else answersEnd.addEventListener('abort', end, { once: true })
  onRequestEnd(reply, (left) => {
    clearTimeout(timer)
    answersEnd.removeEventListener('abort', end)
    if (left) leave()
  })
  return gone.signal
}
