import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HTTP_ERRORS } from '../../server/errors.ts'
import { OPERATIONS } from '../../server/openai/openapi.ts'
import { chatBody, headers, MODEL, modelRole } from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

let role: TestRole
beforeEach(() => {
  role = modelRole()
})
afterEach(() => role.close())

const get = (url: string) => role.app.inject({ url, headers: headers() })
const document = async () => (await get('/openapi.json')).json()

/** The schema of an operation's answer, with what it refers to. */
async function answerSchema(path: string, method: string, status: string) {
  const { paths, components } = await document()
  const { $ref, content } = paths[path][method].responses[status]
  const known = content ?? components.responses[$ref.split('/').at(-1)].content
  return { ...known['application/json'].schema, components }
}

test('the document names every route of the API that the role has, and no other', async () => {
  const { openapi, paths } = await document()
  expect(openapi).toBe('3.1.0')
  const named = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method} ${path}`),
  )
  expect(named.sort()).toEqual(OPERATIONS.map(({ method, path }) => `${method} ${path}`).sort())
  for (const { method, path } of OPERATIONS) {
    const url = path.replace('{id}', MODEL)
    expect(
      role.app.hasRoute({
        method: method.toUpperCase(),
        url: path.replace('{id}', ':id'),
      }),
    ).toBe(true)
    expect((await role.app.inject({ method: method.toUpperCase() as 'GET', url })).statusCode).toBe(
      401,
    )
  }
})

describe('what is answered is what the document says', () => {
  const ajv = () => new Ajv2020({ strict: false })
  const prompt = { model: MODEL, prompt: 'a b' }

  test.each([
    ['post', '/v1/chat/completions', chatBody({ logprobs: true, n: 2 })],
    ['post', '/v1/completions', { ...prompt, logprobs: 1, echo: true }],
    ['post', '/v1/responses', { model: MODEL, input: 'a b' }],
    ['post', '/tokenize', { prompt: 'a b', return_token_strs: true }],
    ['post', '/detokenize', { tokens: [1] }],
    ['get', '/tokenizer_info', undefined],
    ['get', '/v1/models', undefined],
  ] as const)('%s %s', async (method, url, body) => {
    const payload = body === undefined ? {} : { payload: JSON.stringify(body) }
    const asked = { method: method.toUpperCase() as 'POST', url, headers: headers(), ...payload }
    const response = await role.app.inject(asked)
    expect(response.statusCode).toBe(200)
    const validate = ajv().compile(await answerSchema(url, method, '200'))
    validate(response.json())
    expect(validate.errors).toBeNull()
  })

  test('errors too', async () => {
    const asked = { method: 'POST', url: '/v1/completions', headers: headers() } as const
    const response = await role.app.inject({ ...asked, payload: '{}' })
    const validate = ajv().compile(await answerSchema('/v1/completions', 'post', '400'))
    validate(response.json())
    expect([response.statusCode, validate.errors]).toEqual([400, null])
  })
})

test('bodies that the document does not allow are refused, and those that it does are not for their shape', async () => {
  const { paths } = await document()
  const schema = paths['/v1/completions'].post.requestBody.content['application/json'].schema
  const validate = new Ajv2020({ strict: false }).compile(schema)
  const bodies = [
    { model: MODEL, prompt: 'a' },
    { model: MODEL, prompt: [1, 2], n: 3, stop: ['x'], logit_bias: { 5: 1 } },
    { model: MODEL, prompt: '' },
    { model: MODEL, prompt: 'a', n: 0 },
    { model: MODEL, prompt: 'a', temperature: 'hot' },
    { prompt: 'a' },
  ]
  for (const body of bodies) {
    const asked = { method: 'POST', url: '/v1/completions', headers: headers() } as const
    const { statusCode } = await role.app.inject({ ...asked, payload: JSON.stringify(body) })
    expect([body, statusCode]).toEqual([body, validate(body) ? 200 : 400])
  }
})

test('the document says which errors come with which status, and of none that nobody reads', async () => {
  const { components } = await document()
  const named = Object.entries(components.responses).flatMap(([status, response]) => {
    const { schema } = (response as Described).content['application/json']
    return schema.properties.error.properties.code.enum.map((code) => [code, Number(status)])
  })
  const known = Object.entries(HTTP_ERRORS).map(([code, { status }]) => [code, status])
  expect(named.sort()).toEqual(known.filter(([, status]) => status !== 499).sort())
})
interface Described {
  content: {
    'application/json': {
      schema: { properties: { error: { properties: { code: { enum: string[] } } } } }
    }
  }
}

test('of the texts of /tokenize one is wanted, by the document and by who reads them', async () => {
  const { paths } = await document()
  const schema = paths['/tokenize'].post.requestBody.content['application/json'].schema
  const validate = new Ajv2020({ strict: false }).compile(schema)
  const messages = [{ role: 'user', content: 'a' }]
  for (const body of [{ prompt: 'a' }, { content: 'a' }, { messages }, { prompt: null }, {}]) {
    const asked = { method: 'POST', url: '/tokenize', headers: headers() } as const
    const { statusCode } = await role.app.inject({ ...asked, payload: JSON.stringify(body) })
    expect([body, statusCode]).toEqual([body, validate(body) ? 200 : 400])
  }
})

test('the page shows every route, loads nothing and runs nothing', async () => {
  const response = await get('/docs')
  for (const { path } of OPERATIONS) expect(response.body).toContain(path)
  expect(response.headers['content-security-policy']).toContain("default-src 'none'")
  expect(response.body).not.toMatch(/<script|src=|href=|url\(/)
})
