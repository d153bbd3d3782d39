import type { FastifyInstance } from 'fastify'
import { answerChat } from './chat-route.ts'
import { answerCompletion } from './completion-route.ts'
import { answerEmbeddings } from './embeddings-route.ts'
import type { ModelRoutesOptions } from './generation.ts'
import { answerResponse } from './responses-route.ts'
import { registerTokenRoutes } from './token-routes.ts'

/** What clients ask of a model: each route is a file. */
export function registerAnswerRoutes(app: FastifyInstance, options: ModelRoutesOptions): void {
  app.post('/v1/chat/completions', (request, reply) => answerChat(options, request, reply))
  app.post('/v1/completions', (request, reply) => answerCompletion(options, request, reply))
  app.post('/v1/embeddings', (request, reply) => answerEmbeddings(options, request, reply))
  app.post('/v1/responses', (request, reply) => answerResponse(options, request, reply))
  registerTokenRoutes(app, options)
}
