import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { GatewayConfigSchema, ModelConfigSchema } from '../../catalog/serving-config.ts'
import { drainMs } from '../../server/run-role.ts'
import { FakeEngine } from '../helpers/fake-engine.ts'
import { chatBody, gatewayRole, headers, modelRole, until } from '../helpers/roles.ts'

const ready = async (role: ReturnType<typeof modelRole>) => {
  const response = await role.app.inject({ url: '/health/ready' })
  return [response.statusCode, response.json<{ cause?: string }>().cause]
}

test('ready while tokens are fresh, without a probe', async () => {
  const role = modelRole()
  role.engine.current = { state: 'ready', msSinceStep: 29_000, restarts: 0 }
  expect(await ready(role)).toEqual([200, undefined])
  expect(role.engine.probes).toBe(0)
  await role.close()
})

test('after 30 s without a token one probe decides, and probes do not pile up', async () => {
  const role = modelRole()
  role.engine.current = { state: 'ready', msSinceStep: 31_000, restarts: 0 }
  expect(await ready(role)).toEqual([200, undefined])
  role.engine.probeAnswer = false
  expect(await ready(role)).toEqual([503, 'no token was decoded lately'])
  expect(role.engine.probes).toBe(2)
  let open = (_: boolean) => {}
  role.engine.probe = () => {
    role.engine.probes++
    return new Promise((resolve) => (open = resolve))
  }
  const both = [ready(role), ready(role)]
  await new Promise((resolve) => setTimeout(resolve, 20))
  open(true)
  expect(await Promise.all(both)).toEqual([
    [200, undefined],
    [200, undefined],
  ])
  expect(role.engine.probes).toBe(3)
  await role.close()
})

test('not ready with the cause while the engine starts or restarts, and live all the time', async () => {
  const role = modelRole()
  role.engine.current = { state: 'starting', restarts: 0 }
  expect(await ready(role)).toEqual([503, 'the engine is starting'])
  role.engine.current = {
    state: 'restarting',
    cause: 'the engine was ended by SIGKILL',
    restarts: 1,
  }
  expect(await ready(role)).toEqual([503, 'the engine was ended by SIGKILL'])
  expect(await role.metrics.registry.metrics()).toContain('serantau_engine_restarts 1')
  expect(await role.metrics.registry.metrics()).toContain('serantau_engine_ready 0')
  expect((await role.app.inject({ url: '/health/live' })).statusCode).toBe(200)
  await role.close()
})

test('the gateway is ready with every model down, and not once it drains', async () => {
  const role = gatewayRole('http://127.0.0.1:1')
  expect(await ready(role)).toEqual([200, undefined])
  role.lifecycle.draining = true
  expect(await ready(role)).toEqual([503, 'shutting down'])
  const response = await role.app.inject({ url: '/v1/models', headers: headers() })
  expect([response.statusCode, response.headers.connection]).toEqual([200, 'close'])
  await role.close()
})

test('a drain of the gateway ends no connection under its client: the next answer says that it closes', async () => {
  const engine = new FakeEngine()
  let open = () => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  engine.beforeToken = (index) => (index < 1 ? Promise.resolve() : gate)
  const model = modelRole({ engine })
  const role = gatewayRole(await model.listen())
  const url = await role.listen()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = () =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const options = { method: 'POST', headers: headers(), agent }
      request(`${url}/v1/chat/completions`, options, resolve)
        .on('error', reject)
        .end(JSON.stringify(chatBody({ stream: true })))
    })
  const before = await ask()
  const { socket } = before
  role.lifecycle.draining = true
  let quiet = false
  const drained = role.lifecycle.untilQuiet(300, 30_000).then(() => (quiet = true))
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(quiet).toBe(false)
  open()
  expect(await text(before)).toContain('[DONE]')
  const after = await ask()
  expect(after.socket).toBe(socket)
  expect(after.headers.connection).toBe('close')
  expect(await text(after)).toContain('[DONE]')
  await drained
  agent.destroy()
  await role.close()
  await model.close()
})

test('a drain leaves time for what may still come: of the gateway twice the longest stream', () => {
  const limits = { maxStreamMs: 60_000 }
  const model = { id: 'm', digest: 'ab'.repeat(32), licence: 'MIT', file: '/m.gguf' }
  const sizes = { contextSize: 64, slots: 1, chat: true }
  const one = ModelConfigSchema.parse({ role: 'model', model: { ...model, ...sizes }, limits })
  const routed = [{ id: 'm', digest: model.digest, licence: 'MIT', url: 'http://m' }]
  const gateway = GatewayConfigSchema.parse({ role: 'gateway', models: routed, limits })
  expect(drainMs(one, 3000)).toBe(63_000)
  expect(drainMs(gateway, 3000)).toBe(123_000)
})

test('a drain of the model ends connections with the answers under way, and the gateway asks anew', async () => {
  const engine = new FakeEngine()
  let open = () => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  engine.beforeToken = (index) => (index < 1 ? Promise.resolve() : gate)
  const model = modelRole({ engine })
  const gateway = gatewayRole(await model.listen())
  const url = await gateway.listen()
  let connections = 0
  model.app.server.on('connection', () => connections++)
  const stream = async () => {
    const body = JSON.stringify(chatBody({ stream: true }))
    const init = { method: 'POST', headers: headers(), body }
    const response = await fetch(`${url}/v1/chat/completions`, init)
    return [response.status, (await response.text()).includes('[DONE]')]
  }
  const STREAMS = 12
  const before = Array.from({ length: STREAMS }, async () => {
    const first = await stream()
    // At once, when its connection is just being closed.
    return [first, await stream()]
  })
  while (connections < STREAMS) await new Promise((resolve) => setTimeout(resolve, 10))
  model.lifecycle.draining = true
  open()
  expect((await Promise.all(before)).flat()).toEqual(
    Array.from({ length: 2 * STREAMS }, () => [200, true]),
  )
  expect(connections).toBe(2 * STREAMS)
  await gateway.close()
  await model.close()
})

test('clients that left are no longer under way, so a drain does not wait for them', async () => {
  const role = modelRole()
  role.engine.beforeToken = () => new Promise(() => {})
  const left = new AbortController()
  const body = JSON.stringify(chatBody({ stream: true }))
  const asked = fetch(`${await role.listen()}/v1/chat/completions`, {
    ...{ method: 'POST', headers: headers(), body, signal: left.signal },
  })
  await until(() => role.engine.stats().running === 1, 'under way')
  left.abort()
  await expect(asked).rejects.toThrow()
  const began = performance.now()
  await role.lifecycle.untilQuiet(50, 30_000)
  expect(performance.now() - began).toBeLessThan(10_000)
  await role.close()
})
