import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KeyStore } from '../../server/plugins/keys.ts'
import {
  API_KEY,
  chatBody,
  gatewayRole,
  headers,
  modelRole,
  until,
  writeKeys,
} from '../helpers/roles.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'serantau-keys-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe.each(['model', 'gateway'] as const)('the %s role', (kind) => {
  const start = () => (kind === 'model' ? modelRole() : gatewayRole('http://127.0.0.1:1'))

  test.each([
    ['no header', undefined, 'missing_api_key'],
    ['another scheme', `Basic ${API_KEY}`, 'missing_api_key'],
    ['an empty key', 'Bearer ', 'missing_api_key'],
    ['a wrong key', 'Bearer sk-wrong', 'invalid_api_key'],
    ['a key with more behind', `Bearer ${API_KEY}x`, 'invalid_api_key'],
    ['half a key', `Bearer ${API_KEY.slice(0, -1)}`, 'invalid_api_key'],
  ])('refuses %s with a code that says why', async (_name, authorization, code) => {
    const role = start()
    const response = await role.app.inject({
      url: '/v1/models',
      headers: authorization === undefined ? {} : { authorization },
    })
    expect(response.statusCode).toBe(401)
    expect(response.json()).toMatchObject({ error: { code, type: 'invalid_request_error' } })
    expect(response.headers['www-authenticate']).toBe('Bearer')
    await role.close()
  })

  test('answers an unknown route with 404 once the key is right', async () => {
    const role = start()
    const response = await role.app.inject({ url: '/v1/embeddings', headers: headers() })
    expect(response.statusCode).toBe(404)
    expect(response.json()).toMatchObject({ error: { code: 'unknown_url' } })
    await role.close()
  })
})

test('a new key works and a revoked one does not, without a restart', async () => {
  const role = modelRole()
  const status = async (key: string) =>
    (await role.app.inject({ url: '/v1/models', headers: headers(key) })).statusCode
  expect(await status(API_KEY)).toBe(200)
  writeKeys(role.keysFile, [{ name: 'second', key: 'sk-second' }])
  await until(async () => (await status('sk-second')) === 200, 'the new key works')
  expect(await status(API_KEY)).toBe(401)
  await role.close()
})

test('two keys of one name are valid at once, and the tenant is the field or the name', () => {
  const file = join(folder, 'keys.json')
  writeKeys(file, [
    { name: 'portal', key: 'sk-old' },
    { name: 'portal', key: 'sk-new', tenant: 'land-office' },
  ])
  const keys = new KeyStore(file, () => undefined)
  expect(keys.find('sk-old')).toMatchObject({ name: 'portal', tenant: 'portal' })
  expect(keys.find('sk-new')).toMatchObject({ name: 'portal', tenant: 'land-office' })
  keys.close()
})

test('a swapped symbolic link is noticed, as Kubernetes swaps it', () => {
  writeKeys(join(folder, 'a.json'), [{ name: 'a', key: 'sk-a' }])
  writeKeys(join(folder, 'b.json'), [{ name: 'b', key: 'sk-b' }])
  const link = join(folder, 'keys.json')
  symlinkSync('a.json', link)
  const keys = new KeyStore(link, () => undefined)
  symlinkSync('b.json', join(folder, 'new'))
  renameSync(join(folder, 'new'), link)
  keys.refresh()
  expect([keys.find('sk-a'), keys.find('sk-b')?.name]).toEqual([undefined, 'b'])
  keys.close()
})

test.each([
  ['text that is not JSON', '{"keys": ['],
  ['an unknown field', '{"keys":[],"more":1}'],
  ['a key in clear', '{"keys":[{"name":"a","sha256":"sk-a"}]}'],
])('%s leaves the old keys valid and is reported without its content', (_name, content) => {
  const file = join(folder, 'keys.json')
  writeKeys(file, [{ name: 'a', key: 'sk-a' }])
  const reported: object[] = []
  const keys = new KeyStore(file, (event) => reported.push(event))
  writeFileSync(file, content)
  keys.refresh()
  expect(keys.find('sk-a')?.name).toBe('a')
  expect(reported).toMatchObject([{ event: 'keys_file_broken' }])
  expect(JSON.stringify(reported)).not.toContain('sk-a')
  rmSync(file)
  keys.refresh()
  expect(keys.find('sk-a')?.name).toBe('a')
  keys.close()
})

test('a key file that cannot be used at the start is a coded error', () => {
  expect(() => new KeyStore(join(folder, 'none.json'), () => undefined)).toThrow(
    expect.objectContaining({ code: 'KEY_FILE_UNUSABLE' }),
  )
})

test('the key appears in no log, metric or error, whatever happens to the request', async () => {
  const role = modelRole()
  const secret = 'canary-prompt-77'
  role.engine.failAt = 2
  const send = (payload: object, more: object = {}) =>
    role.app.inject({
      method: 'POST',
      url: `/v1/chat/completions?api_key=${API_KEY}`,
      headers: { ...headers(), 'x-request-id': `${API_KEY}\n`, ...more },
      payload: JSON.stringify(payload),
    })
  const bodies = [
    await send(chatBody({ messages: [{ role: 'user', content: secret }] })),
    await send(chatBody({ messages: [{ role: 'user', content: secret }], stream: true })),
    await send(chatBody({ messages: secret })),
    await send({ model: MODEL_WITH_KEY }, { authorization: 'Bearer nope' }),
    await send(chatBody(), { 'content-type': `text/${API_KEY}` }),
    await role.app.inject({ url: `/${API_KEY}`, headers: headers() }),
  ].map(({ body, headers }) => body + JSON.stringify(headers))
  const metrics = await role.metrics.registry.metrics()
  const everything = role.logged() + metrics
  expect(everything).toContain('/v1/chat/completions')
  expect(everything).not.toContain(API_KEY)
  expect(everything).not.toContain(secret)
  // Only the field that the client filled itself comes back to the client.
  expect(bodies.filter((_, index) => index !== 4).join('')).not.toContain(API_KEY)
  expect(bodies.join('')).not.toContain(secret)
  await role.close()
})
const MODEL_WITH_KEY = `x-${API_KEY}`

test('every log line is one JSON object, whatever a client writes into ids and models', async () => {
  const role = modelRole()
  for (const id of ['a\u001b[31m', 'x'.repeat(300), '{"level":"fatal"}', 'ok-1']) {
    const response = await role.app.inject({
      ...{ method: 'POST', url: '/v1/chat/completions' },
      headers: { ...headers(), 'x-request-id': id },
      payload: JSON.stringify(chatBody({ model: `m\n${id}` })),
    })
    expect(response.headers['x-request-id'] === id).toBe(id === 'ok-1')
  }
  const lines = role.logged().trim().split('\n')
  expect(lines).toHaveLength(4)
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ role: 'test', status: 404 })
  await role.close()
})
