import { afterEach, beforeEach, expect, test } from 'vitest'
import { events, headers, MODEL, modelRole } from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

let role: TestRole
beforeEach(() => {
  role = modelRole({ model: { contextSize: 4096 } })
})
afterEach(() => role.close())

const post = (more: object) =>
  role.app.inject({
    ...{ method: 'POST', url: '/v1/completions', headers: headers() },
    payload: JSON.stringify({ model: MODEL, ...more }),
  })

test.each([
  ['a text', 'one two', [[0, 1]]],
  ['tokens', [7, 8, 9], [[7, 8, 9]]],
  ['texts', ['one', 'one two'], [[0], [0, 1]]],
  ['lists of tokens', [[4], [5, 6]], [[4], [5, 6]]],
])('a prompt may be %s', async (_name, prompt, tokens) => {
  const body = (await post({ prompt })).json()
  expect(role.engine.requests.map((request) => request.prompt)).toEqual(tokens)
  expect(body.choices.map(({ index }: { index: number }) => index)).toEqual([...tokens.keys()])
  expect(body.usage.prompt_tokens).toBe(tokens.flat().length)
})

test('answers to several prompts are numbered prompt by prompt', async () => {
  const body = (await post({ prompt: ['one', 'one two'], n: 2, echo: true })).json()
  expect(body.choices.map(({ text }: { text: string }) => text.split('Hello')[0])).toEqual([
    ...['one', 'one', 'one two', 'one two'],
  ])
  expect(body.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 20 })
})

test('with echo and logprobs the prompt is told with its probabilities, all but the first', async () => {
  const body = (await post({ prompt: [7, 8], echo: true, logprobs: 1, max_tokens: 1 })).json()
  const { text, logprobs } = body.choices[0]
  expect(text).toBe('t7 t8Hello')
  expect(logprobs).toEqual({
    tokens: ['t7', 't8', 'Hello'],
    token_logprobs: [null, -Math.LN2, -Math.LN2],
    top_logprobs: [null, { t8: -Math.LN2 }, { Hello: -Math.LN2 }],
    text_offset: [0, 2, 4],
  })
  expect(role.engine.requests[0]).toMatchObject({ promptLogprobs: 1, topLogprobs: 1 })
})

test('no token but those of the prompt, as evaluation harnesses ask', async () => {
  const body = (await post({ prompt: [7, 8], echo: true, logprobs: 0, max_tokens: 0 })).json()
  expect(body.choices[0]).toMatchObject({ text: 't7 t8', finish_reason: 'length' })
  expect(body.choices[0].logprobs.tokens).toEqual(['t7', 't8'])
  expect(body.usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 0, total_tokens: 2 })
})

test('no token at all is refused by its field', async () => {
  const response = await post({ prompt: 'a', max_tokens: 0 })
  expect(response.statusCode).toBe(400)
  expect(response.json().error).toMatchObject({ param: 'max_tokens', code: 'invalid_value' })
})

test('a stream put together is the whole answer, echo and probabilities included', async () => {
  const asked = { prompt: 'one two', echo: true, logprobs: 2 }
  const whole = (await post(asked)).json().choices[0]
  const { body } = await post({ ...asked, stream: true })
  const parts = events(body)
    .slice(0, -1)
    .map((event) => JSON.parse(event).choices[0])
  expect(parts.map(({ text }) => text).join('')).toBe(whole.text)
  for (const name of ['tokens', 'token_logprobs', 'top_logprobs']) {
    expect(parts.flatMap(({ logprobs }) => logprobs?.[name] ?? [])).toEqual(whole.logprobs[name])
  }
})
