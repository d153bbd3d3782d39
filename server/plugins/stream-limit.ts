import type { FastifyInstance } from 'fastify'
import { HttpError } from '../errors.ts'
import { onRequestEnd } from './request-end.ts'

/** A key may have so many POST requests under way at once. */
export function registerStreamLimit(app: FastifyInstance, maxStreamsPerKey: number): void {
  const running = new Map<string, number>()
  app.addHook('onRequest', async (request, reply) => {
    const name = request.caller?.name
    if (request.method !== 'POST' || name === undefined) return
    const count = running.get(name) ?? 0
    if (count >= maxStreamsPerKey) {
      throw new HttpError('too_many_streams', {
        expected: `at most ${maxStreamsPerKey} requests of a key at once`,
        got: 'one more',
        fix: 'wait until one of them ends',
      })
    }
    running.set(name, count + 1)
    onRequestEnd(reply, () => {
      const left = (running.get(name) ?? 1) - 1
      if (left <= 0) running.delete(name)
      else running.set(name, left)
    })
  })
}
