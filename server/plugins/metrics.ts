import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { FastifyInstance } from 'fastify'
import { HTTP_LIMITS } from './http-limits.ts'
import { onRequestEnd } from './request-end.ts'
import { SECURITY_HEADERS } from './security-headers.ts'

/** Metrics of one role. Labels are ours alone: never a key, never what a client wrote. */
export class Metrics {
  readonly registry = new Registry()
  readonly requests = new Counter({
    name: 'serantau_requests_total',
    help: 'Requests by route, status and error code',
    labelNames: ['route', 'status', 'code'],
    registers: [this.registry],
  })
  readonly tokens = new Counter({
    name: 'serantau_tokens_total',
    help: 'Tokens read (prompt) and written (completion)',
    labelNames: ['kind'],
    registers: [this.registry],
  })
  readonly firstToken = new Histogram({
    name: 'serantau_time_to_first_token_seconds',
    help: 'From the arrival of a request to the first token of its answer',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers: [this.registry],
  })
  readonly betweenTokens = new Histogram({
    name: 'serantau_inter_token_seconds',
    help: 'Between the tokens of an answer',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [this.registry],
  })

  readonly engineEnds = new Counter({
    name: 'serantau_engine_ends_total',
    help: 'Ends of the engine process that nobody asked for, by how: load, decode, start, memory, hung, exit or a signal',
    labelNames: ['how'],
    registers: [this.registry],
  })

  /** A counter that others count, asked for by the values of `label` when it is scraped. */
  counter(name: string, help: string, label: string, read: () => Record<string, number>): void {
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      collect() {
        this.reset()
        for (const [value, count] of Object.entries(read())) this.inc({ [label]: value }, count)
      },
    })
  }

  /** Paths beside `/metrics`, and what stands there as JSON when it is asked for. */
  readonly pages = new Map<string, () => object>()

  page(path: string, read: () => object): void {
    this.pages.set(path, read)
  }

  /** A gauge by the values of `label`, asked for when it is scraped. */
  gauges(name: string, help: string, label: string, read: () => Record<string, number>): void {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      collect() {
        for (const [value, count] of Object.entries(read())) this.set({ [label]: value }, count)
      },
    })
  }

  /** A gauge whose value is asked for when it is scraped. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read())
      },
    })
  }
}

export function registerMetrics(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onRequest', async (request, reply) => {
    onRequestEnd(reply, (left) => {
      metrics.requests.inc({
        route: request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown'),
        status: left ? 'left' : String(reply.statusCode),
        code: left || (request.errorCode ?? 'ok'),
      })
    })
  })
}

/** `/metrics` has a port of its own, which NetworkPolicy opens to scrapers only; beside it there are `pages` alone. */
export async function serveMetrics(metrics: Metrics, host: string, port: number): Promise<Server> {
  const limits = {
    maxHeaderSize: HTTP_LIMITS.headerBytes,
    headersTimeout: HTTP_LIMITS.headersMs,
    requestTimeout: HTTP_LIMITS.headersMs,
    connectionsCheckingInterval: HTTP_LIMITS.lookMs,
  }
  const server = createServer(limits, (request, response) => {
    const page = request.method === 'GET' ? metrics.pages.get(request.url ?? '') : undefined
    if (page !== undefined) {
      const type = { 'content-type': 'application/json' }
      response.writeHead(200, { ...SECURITY_HEADERS, ...type }).end(JSON.stringify(page()))
      return
    }
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404, SECURITY_HEADERS).end()
      return
    }
    const { contentType } = metrics.registry
    metrics.registry.metrics().then(
      (text) =>
        response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': contentType }).end(text),
      () => response.writeHead(500, SECURITY_HEADERS).end(),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return server
}
