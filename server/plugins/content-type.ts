import type { FastifyInstance } from 'fastify'
import { describeValue, HttpError } from '../errors.ts'

/** Exact texts, no parser: lenient readings of this header let bodies past validation again and again. */
const ACCEPTED: ReadonlySet<string> = new Set([
  'application/json',
  'application/json;charset=utf-8',
  'application/json; charset=utf-8',
])

/** Bodies arrive as bytes; whoever reads them parses them once. */
export function registerContentType(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.addHook('onRequest', async (request) => {
    if (request.method !== 'POST' || request.is404) return
    const got = request.headers['content-type']
    if (got === undefined || !ACCEPTED.has(got.toLowerCase())) {
      const fix = 'send the header "Content-Type: application/json"'
      throw unsupported('content-type', '"application/json"', got, fix)
    }
    const encoding = request.headers['content-encoding']
    if (encoding === undefined) return
    throw unsupported('content-encoding', 'nothing', encoding, 'send the body as it is')
  })
}

const unsupported = (param: string, expected: string, got: string | undefined, fix: string) =>
  new HttpError('unsupported_media_type', { param, expected, got: describeValue(got, true), fix })
