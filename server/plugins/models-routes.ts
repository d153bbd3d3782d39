import type { FastifyInstance } from 'fastify'
import { describeValue, HttpError } from '../errors.ts'
import { modelBody, modelListBody } from '../openai/models.ts'
import type { ListedModel } from '../openai/models.ts'

/** `/v1/models`, the same in both roles. `model` is a key into this list and nothing else. */
export function registerModelsRoutes(app: FastifyInstance, models: readonly ListedModel[]): void {
  app.get('/v1/models', async () => modelListBody(models))
  app.get<{ Params: { id: string } }>('/v1/models/:id', async (request) => {
    const found = models.find(({ id }) => id === request.params.id)
    if (found === undefined) throw unknownModel(request.params.id, models)
    return modelBody(found)
  })
}

export function unknownModel(got: unknown, models: readonly ListedModel[]): HttpError {
  return new HttpError('model_not_found', {
    param: 'model',
    expected: `one of ${models.map(({ id }) => `"${id}"`).join(', ')}`,
    got: describeValue(got, true),
    fix: 'name a model that GET /v1/models lists',
  })
}
