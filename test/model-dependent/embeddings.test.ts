import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { untilReady } from '../helpers/real-role.ts'
import { API_KEY } from '../helpers/roles.ts'
import { startEmbedder } from '../helpers/small-embedder.ts'
import type { ServedEmbedder } from '../helpers/small-embedder.ts'

let embedder: ServedEmbedder
let client: OpenAI
let model: string

beforeAll(async () => {
  embedder = await startEmbedder()
  const { role } = embedder
  await untilReady(role)
  client = new OpenAI({ baseURL: `${role.url}/v1`, apiKey: API_KEY, maxRetries: 0 })
  model = embedder.model.id
})
afterAll(() => embedder?.stop())

const embed = async (input: string | string[], more: object = {}) =>
  (await client.embeddings.create({ model, input, encoding_format: 'float', ...more })).data.map(
    ({ embedding }) => embedding,
  )

test('texts are vectors of length 1, the same for the same text and others for others', async () => {
  const [a, b, again] = await embed(['the of dan', 'yang ang', 'the of dan'])
  expect(Math.hypot(...a!)).toBeCloseTo(1, 4)
  expect(again).toEqual(a)
  expect(b).not.toEqual(a)
})

test('base 64 and fewer dimensions are the same vector', async () => {
  const [whole] = await embed('the of dan')
  const { data } = await client.embeddings.create({ model, input: 'the of dan' })
  data[0]!.embedding.forEach((value, at) => expect(value).toBeCloseTo(whole![at]!, 6))
  const [short] = await embed('the of dan', { dimensions: 8 })
  expect(short).toHaveLength(8)
  expect(short![0]! / short![1]!).toBeCloseTo(whole![0]! / whole![1]!, 3)
})

test('many at once are each as alone', async () => {
  const inputs = Array.from({ length: 24 }, (_, at) => 'the dan yang of '.repeat(1 + (at % 5)))
  const alone = await embed(inputs[7]!)
  const all = await Promise.all(inputs.map((input) => embed(input)))
  expect(all[7]).toEqual(alone)
})

test('an answer is refused by name, and a text beyond the context by its length', async () => {
  await expect(client.completions.create({ model, prompt: 'the' })).rejects.toMatchObject({
    status: 400,
    code: 'generation_not_supported',
  })
  await expect(embed('the '.repeat(500))).rejects.toMatchObject({
    ...{ status: 400, code: 'context_length_exceeded' },
  })
})
