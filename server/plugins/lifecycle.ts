import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { onRequestEnd } from './request-end.ts'

const POLL_MS = 50

/** Where a server is in its life; `/health/ready` and the routes read it. */
export class Lifecycle {
  draining = false
  #underWay = 0
  #lastEndMs = 0

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
