import type { FastifyInstance } from 'fastify'
import { HttpError } from '../errors.ts'
import type { Caller, KeyStore } from './keys.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined on the open routes only. */
    caller: Caller | undefined
  }
}

/** The only routes that need no key. Everything else, unknown routes too, is denied by default. */
const OPEN_ROUTES: ReadonlySet<string> = new Set(['/health/live', '/health/ready'])

const FIX = 'send the header "Authorization: Bearer <key>"'

export function registerAuth(app: FastifyInstance, keys: KeyStore): void {
  app.decorateRequest('caller', undefined)
  app.addHook('onRequest', async (request) => {
    if (!request.is404 && OPEN_ROUTES.has(request.routeOptions.url ?? '')) return
    const presented = bearerOf(request.headers.authorization)
    if (presented === undefined) {
      throw new HttpError('missing_api_key', { expected: 'an API key', got: 'none', fix: FIX })
    }
    request.caller = keys.find(presented)
    if (request.caller === undefined) {
      throw new HttpError('invalid_api_key', {
        expected: 'a valid API key',
        got: 'one that is unknown or revoked',
        fix: 'ask the operator for a key',
      })
    }
  })
}

function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer ([\x21-\x7e]{1,512})$/i.exec(header ?? '')?.[1]
}
