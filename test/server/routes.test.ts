import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { Metrics, serveMetrics } from '../../server/plugins/metrics.ts'
import { connectTo, errorCodeOf, responsesIn } from '../helpers/raw-http.ts'
import { gatewayRole, headers, modelRole } from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

/** All that there is. A new route stands here, and under KEYLESS only if anyone may ask. */
const ROUTES = [
  'GET /docs',
  'GET /health/live',
  'GET /health/ready',
  'GET /openapi.json',
  'GET /tokenizer_info',
  'GET /v1/models',
  'GET /v1/models/:id',
  'POST /detokenize',
  'POST /tokenize',
  'POST /v1/chat/completions',
  'POST /v1/completions',
  'POST /v1/embeddings',
  'POST /v1/responses',
]
const KEYLESS = ['GET /health/live', 'GET /health/ready']

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'] as const
/** What peers serve beside the API, and what has been open there. */
const SIDE_DOORS = ['/', '/metrics', '/redoc', '/health', '/ping', '/version',
  '/v1', '/invocations', '/pause', '/resume', '/sleep', '/wake_up', '/reset_prefix_cache', '/collective_rpc',
  '/update_weights', '/init_weight_transfer_engine', '/scale_elastic_ep', '/is_scaling_elastic_ep',
  '/server_info', '/v1/load_lora_adapter', '/v1/unload_lora_adapter', '/start_profile',
  '/slots', '/props', '/lora-adapters', '/infill', '/api/tags', '/api/pull', '/api/create', '/models/apply',
  '/debug/pprof', '/.env', '/health/live/x', '/%2e%2e/etc', '/health/..%2fv1%2fmodels', '//v1/models',
  '/v1//models', '/V1/MODELS', '/health/live;/v1/models'] // prettier-ignore

/** `METHOD /path` of each route, from the tree that Fastify prints. */
function routesOf({ app }: TestRole): string[] {
  const above: string[] = []
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part = '', methods = ''] =
        /^((?:[│ ] {3})*)[├└]── (\S*)(?: \((.+)\))?$/.exec(line) ?? []
      const depth = indent.length / 4
      above.splice(depth, Infinity, part)
      return methods === '' ? [] : methods.split(', ').map((each) => `${each} ${above.join('')}`)
    })
    .sort()
}

describe.each(['model', 'gateway'] as const)('the %s role', (kind) => {
  const start = async () => {
    const role = kind === 'model' ? modelRole() : gatewayRole('http://127.0.0.1:1')
    opened.push(() => role.close())
    await role.app.ready()
    return role
  }

  test('has the routes of the allow-list and no other', async () => {
    expect(routesOf(await start())).toEqual(ROUTES)
  })

  test('answers every route but those of health 401 without a key, by whatever method', async () => {
    const { app } = await start()
    for (const route of ROUTES) {
      const path = route.split(' ')[1]!.replace(':id', 'x')
      for (const method of METHODS) {
        const { statusCode, body } = await app.inject({ method, url: path })
        const keyless = KEYLESS.includes(`${method} ${path}`)
        expect([method, path, statusCode]).toEqual([method, path, keyless ? 200 : 401])
        if (!keyless && method !== 'HEAD') expect(errorCodeOf(body)).toBe('missing_api_key')
      }
    }
  })

  test('answers 401 without a key and 404 with one wherever peers have a side door', async () => {
    const { app } = await start()
    for (const url of SIDE_DOORS) {
      for (const method of METHODS) {
        expect([method, url, (await app.inject({ method, url })).statusCode]).toEqual([
          ...[method, url, 401],
        ])
        const known = await app.inject({ method, url, headers: headers() })
        expect([method, url, known.statusCode]).toEqual([method, url, 404])
      }
    }
  })

  test('takes no other form of a path for one that needs no key', async () => {
    const role = await start()
    const url = await role.app.listen({ host: '127.0.0.1', port: 0 })
    for (const [target, status] of [
      ['http://a/health/live', 200],
      ['/health/live?/../../v1/models', 200],
      ['http://a/v1/models', 401],
      ['http://health/live', 401],
      ['health/live', 400],
      ['*', 401],
    ]) {
      const client = connectTo(url)
      client.socket.write(`GET ${target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`)
      const [answer] = responsesIn(await client.closed)
      expect([target, answer?.status]).toEqual([target, status])
    }
  })

  test('says on every answer that it is for its client alone, and not what serves it', async () => {
    const { app } = await start()
    const urls = ['/health/live', '/v1/models', '/v1/models/x', '/nowhere', '/%zz']
    for (const url of urls) {
      for (const more of [{}, { headers: headers() }]) {
        const { headers: sent } = await app.inject({ url, ...more })
        expect(sent).toMatchObject({
          ...{ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
          'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        })
        for (const banner of ['server', 'x-powered-by', 'via'])
          expect(sent).not.toHaveProperty(banner)
      }
    }
  })
})

test('the port of metrics has one route, which only reads', async () => {
  const server = await serveMetrics(new Metrics(), '127.0.0.1', 0)
  opened.push(async () => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  for (const path of ['/metrics', ...ROUTES.map((route) => route.split(' ')[1]!), ...SIDE_DOORS]) {
    for (const method of METHODS) {
      const response = await fetch(`${url}${path}`, { method })
      const found = path === '/metrics' && method === 'GET'
      expect([method, path, response.status]).toEqual([method, path, found ? 200 : 404])
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      await response.arrayBuffer()
    }
  }
})
