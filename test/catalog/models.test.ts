import { expect, test } from 'vitest'
import { BASE_MODELS, BaseModelSchema, DEFAULT_MODEL_ID } from '../../catalog/index.ts'

test.each(Object.entries(BASE_MODELS))('the row %s obeys its schema', (id, row) => {
  expect(BaseModelSchema.parse(row)).toEqual(row)
  expect(row.id).toBe(id)
})

test('the default model may be used without accepting a licence', () => {
  expect(BASE_MODELS[DEFAULT_MODEL_ID]?.licence.acceptanceRequired).toBe(false)
})
