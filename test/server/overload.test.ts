import { afterEach, expect, test } from 'vitest'
import { EngineError } from '../../server/engine/engine.ts'
import type { EngineErrorCode } from '../../server/engine/engine.ts'
import { FakeEngine } from '../helpers/fake-engine.ts'
import { chatBody, gatewayRole, headers, modelRole, writeKeys } from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

const roles: TestRole[] = []
afterEach(async () => {
  for (const role of roles.splice(0).reverse()) await role.close()
})

/** Both roles over real sockets; what is asked goes to the gateway. */
async function served(engine: FakeEngine) {
  const model = modelRole({ engine })
  roles.push(model)
  const gateway = gatewayRole(await model.listen())
  roles.push(gateway)
  const url = `${await gateway.listen()}/v1/chat/completions`
  const post = (body = chatBody(), key?: string) =>
    fetch(url, { method: 'POST', headers: headers(key), body: JSON.stringify(body) })
  return { post, model, gateway }
}

function refusing(code: EngineErrorCode, retryAfterS?: number): FakeEngine {
  const engine = new FakeEngine()
  engine.generate = async function* () {
    throw new EngineError(
      code,
      'the engine says no',
      retryAfterS === undefined ? {} : { retryAfterS },
    )
  }
  return engine
}

test.each([
  { from: 'too_late', code: 'overloaded', saidS: 7, header: '7' },
  { from: 'too_late', code: 'overloaded', saidS: 12.6, header: '13' },
  { from: 'too_late', code: 'overloaded', saidS: undefined, header: '5' },
  { from: 'queue_full', code: 'queue_full', saidS: 41, header: '41' },
] as const)(
  'an engine that says $from ($saidS s) is a 429 with Retry-After $header through the gateway',
  async ({ from, code, saidS, header }) => {
    const { post } = await served(refusing(from, saidS))
    for (const stream of [false, true]) {
      const response = await post(chatBody({ stream }))
      expect([response.status, response.headers.get('retry-after')]).toEqual([429, header])
      expect(response.headers.get('content-type')).toContain('application/json')
      expect(await response.json()).toMatchObject({ error: { code, type: 'rate_limit_error' } })
    }
  },
)

test('tenant and priority of the key reach the engine through the gateway', async () => {
  const engine = new FakeEngine()
  const { post, model, gateway } = await served(engine)
  const keys = [
    { name: 'portal', key: 'sk-portal', tenant: 'land-office', priority: 'high' as const },
    { name: 'archive', key: 'sk-archive', tenant: 'land-office', priority: 'low' as const },
    { name: 'plain', key: 'sk-plain' },
  ]
  for (const role of [model, gateway]) {
    writeKeys(role.keysFile, keys)
    role.keys.refresh()
  }
  for (const { key } of keys) expect((await post(chatBody(), key)).status).toBe(200)
  expect(engine.requests.map(({ tenant, priority }) => [tenant, priority])).toEqual([
    ['land-office', 'high'],
    ['land-office', 'low'],
    ['plain', 'normal'],
  ])
})

test('a client cannot raise its own priority or name another tenant', async () => {
  const engine = new FakeEngine()
  const { post } = await served(engine)
  await post(chatBody({ priority: 'high', tenant: 'other', user: 'other' }))
  expect(engine.requests.map(({ tenant, priority }) => [tenant, priority])).toEqual([
    ['first', 'normal'],
  ])
})
