import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { HttpError } from '../errors.ts'
import { onRequestEnd } from './request-end.ts'

const POLL_MS = 50

declare module 'fastify' {
  interface FastifyInstance {
    /** Aborts when the last time for answers is over. */
    answersEnd: AbortSignal
  }
}

/** Where a server is in its life; `/health/ready` and the routes read it. */
export class Lifecycle {
  draining = false
  readonly #end = new AbortController()
  #underWay = 0
  #lastEndMs = 0

  get answersEnd(): AbortSignal {
    return this.#end.signal
  }

  /** What is under way still ends now, with an error that says so. */
  endAnswers(): void {
    this.#end.abort(new HttpError('shutting_down'))
  }

  began(): void {
    this.#underWay++
  }

  ended(): void {
    this.#underWay--
    this.#lastEndMs = performance.now()
  }

  /** Resolves once no request was under way for `quietMs`, or after `mostMs`. */
  async untilQuiet(quietMs: number, mostMs: number): Promise<void> {
    const startedMs = performance.now()
    const quiet = () =>
      this.#underWay === 0 && performance.now() - Math.max(startedMs, this.#lastEndMs) >= quietMs
    while (!quiet() && performance.now() - startedMs < mostMs) await sleep(POLL_MS)
  }
}

/**
 * While it drains a server answers, but asks its clients to connect anew, elsewhere. It closes no
 * connection that a client may use just then: each hears of the end by its next answer. `ends`: not
 * so one whose answer began before, which could not tell: its client (the gateway) asks again what did
 * not arrive, and would otherwise bring new requests for as long as old answers take.
 */
export function registerDrain(app: FastifyInstance, lifecycle: Lifecycle, ends: boolean): void {
  app.decorate('answersEnd', lifecycle.answersEnd)
  app.addHook('onRequest', async (request, reply) => {
    if (lifecycle.draining) reply.header('connection', 'close')
    // Probes go on to the end.
    if (isProbe(request.url)) return
    lifecycle.began()
    onRequestEnd(reply, (left) => {
      lifecycle.ended()
      if (!left && ends && lifecycle.draining) request.raw.socket.destroySoon()
    })
  })
}

const isProbe = (url: string) => url.startsWith('/health/')
