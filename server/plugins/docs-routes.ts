import type { FastifyInstance } from 'fastify'
import { HTTP_ERRORS } from '../errors.ts'
import { docsPage } from '../openai/docs-page.ts'
import { openapiDocument } from '../openai/openapi.ts'

/** The API's own description, the same in both roles; with a key, as everything else. */
export function registerDocsRoutes(app: FastifyInstance): void {
  // Made once: it is the same for everybody.
  const api = openapiDocument(HTTP_ERRORS)
  const [document, page] = [JSON.stringify(api), docsPage(api)]
  app.get('/openapi.json', async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(document),
  )
  app.get('/docs', async (_request, reply) =>
    reply
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
      .type('text/html; charset=utf-8')
      .send(page),
  )
}
