import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EngineError } from '../../server/engine/engine.ts'
import { headers, MODEL, modelRole } from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

let role: TestRole
beforeEach(() => {
  role = modelRole()
})
afterEach(() => role.close())

const post = (url: string, payload: object) =>
  role.app.inject({ method: 'POST', url, headers: headers(), payload: JSON.stringify(payload) })

test.each([
  [{ prompt: 'one two' }, null],
  [{ content: 'one two', model: MODEL }, null],
  [{ prompt: 'one two', return_token_strs: true }, ['t0', 't1']],
  [{ content: 'one two', with_pieces: true }, ['t0', 't1']],
  [{ messages: [{ role: 'user', content: 'one two' }] }, null],
])('%j is tokenized', async (body, texts) => {
  const response = await post('/tokenize', body)
  expect(response.json()).toEqual({
    ...{ count: 2, max_model_len: 64, tokens: [0, 1], token_strs: texts },
  })
})

test('tokens are text again', async () => {
  const response = await post('/detokenize', { tokens: [4, 5] })
  expect(response.json()).toEqual({ prompt: 't4 t5', content: 't4 t5' })
})

test('tokens that there are none of are refused', async () => {
  role.engine.detokenize = () => Promise.reject(new EngineError('invalid_tokens', 'x'))
  const response = await post('/detokenize', { tokens: [4_000_000] })
  expect(response.statusCode).toBe(400)
  expect(response.json().error.code).toBe('invalid_value')
})

test('nothing to tokenize is refused by name, and so is an unknown model', async () => {
  const nothing = await post('/tokenize', {})
  expect(nothing.json().error).toMatchObject({
    code: 'missing_required_parameter',
    param: 'prompt',
  })
  const unknown = await post('/tokenize', { prompt: 'a', model: 'other' })
  expect(unknown.statusCode).toBe(404)
})

test('what the tokenizer is, with its template', async () => {
  role.engine.description = { ...role.engine.description, chatTemplate: '{{ x }}' }
  const response = await role.app.inject({ url: '/tokenizer_info', headers: headers() })
  expect(response.json()).toMatchObject({
    ...{ bos_token: '<s>', eos_token: '</s>', chat_template: '{{ x }}' },
    ...{ vocab_size: 1000, model_max_length: 64 },
  })
})

describe('embeddings', () => {
  beforeEach(() => {
    role.engine.description = { ...role.engine.description, embeddingSize: 4 }
  })

  test('are one vector an input, as numbers or in base 64, and their tokens count', async () => {
    const numbers = (await post('/v1/embeddings', { model: MODEL, input: ['a', 'a b'] })).json()
    expect(numbers).toMatchObject({ object: 'list', usage: { prompt_tokens: 3, total_tokens: 3 } })
    const body = { model: MODEL, input: ['a', 'a b'], encoding_format: 'base64' }
    const { data } = (await post('/v1/embeddings', body)).json()
    for (const [at, { embedding }] of data.entries()) {
      const bytes = new Uint8Array(Buffer.from(embedding, 'base64'))
      expect(Array.from(new Float32Array(bytes.buffer))).toEqual(numbers.data[at].embedding)
    }
  })

  test('may be shortened, and have the length 1 then', async () => {
    const body = { model: MODEL, input: [7, 8], dimensions: 2 }
    const { embedding } = (await post('/v1/embeddings', body)).json().data[0]
    expect(Math.hypot(...embedding)).toBeCloseTo(1)
    expect(embedding).toHaveLength(2)
    const more = await post('/v1/embeddings', { ...body, dimensions: 5 })
    expect(more.json().error).toMatchObject({ param: 'dimensions', code: 'invalid_value' })
  })

  test('of a model that answers are a typed 400', async () => {
    role.engine.description = { ...role.engine.description, embeddingSize: undefined }
    const response = await post('/v1/embeddings', { model: MODEL, input: 'a' })
    expect(response.statusCode).toBe(400)
    expect(response.json().error.code).toBe('embeddings_not_supported')
  })
})
