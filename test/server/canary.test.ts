import { randomBytes } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { EngineError } from '../../server/engine/engine.ts'
import type { HttpErrorCode } from '../../server/errors.ts'
import { FakeEngine } from '../helpers/fake-engine.ts'
import { connectTo, rawPost } from '../helpers/raw-http.ts'
import { chatBody, gatewayRole, headers, modelRole, until } from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

interface Site {
  engine: FakeEngine
  model: TestRole
  gateway: TestRole
  url: string
  /** What nobody but the engine may see. */
  canary: string
}

async function open(limits: object = {}, chat = true): Promise<Site> {
  const engine = new FakeEngine(1, 0)
  const model = modelRole({ engine, model: { chat } })
  opened.push(() => model.close())
  const gateway = gatewayRole(await model.listen(), limits)
  opened.push(() => gateway.close())
  // 128 random bits.
  const canary = randomBytes(16).toString('hex')
  return { engine, model, gateway, url: await gateway.listen(), canary }
}

const bodyOf = ({ canary }: Site, more: object = {}) =>
  chatBody({
    messages: [{ role: 'user', content: `say ${canary}` }],
    ...{ user: canary, stop: [canary], metadata: { note: canary } },
    ...more,
  })

interface Ask {
  path?: string
  headers?: Record<string, string>
  signal?: AbortSignal
  text?: string
}

/** Everything that the client sees. */
async function ask(site: Site, more: object = {}, how: Ask = {}): Promise<string> {
  const response = await fetch(`${site.url}${how.path ?? '/v1/chat/completions'}`, {
    method: 'POST',
    headers: { ...headers(), ...how.headers },
    body: how.text ?? JSON.stringify(bodyOf(site, more)),
    ...(how.signal === undefined ? {} : { signal: how.signal }),
  })
  return JSON.stringify([...response.headers]) + (await response.text())
}

async function askRaw(site: Site, text: string): Promise<string> {
  const client = connectTo(site.url)
  opened.push(async () => client.socket.destroy())
  client.socket.write(text)
  return await client.closed
}

/** What one request gets while another one has the only slot. */
async function askBusy(site: Site): Promise<string> {
  const gate = Promise.withResolvers<void>()
  site.engine.beforeToken = () => gate.promise
  const first = ask(site)
  await until(() => site.engine.stats().running === 1, 'the slot is taken')
  const seen = await ask(site)
  gate.resolve()
  return seen + (await first)
}

const refusing = (site: Site, error: Error) => {
  site.engine.tokenizeChat = () => Promise.reject(error)
  return ask(site)
}

/** How a client that says a secret comes to each error that there is. */
const PATHS: Record<HttpErrorCode, () => Promise<[Site, string]>> = {
  invalid_json: on((site) => ask(site, {}, { text: JSON.stringify(bodyOf(site)).slice(0, -9) })),
  invalid_value: on((site) => {
    const messages = [site.canary, 7].map((content) => ({ role: 'user', content }))
    return ask(site, { messages })
  }),
  missing_required_parameter: on((site) => ask(site, { messages: undefined })),
  unsupported_parameter: on((site) => ask(site, { store: true })),
  unsupported_schema: on((site) => {
    const refused = new EngineError('schema_refused', '/a: "not" is not supported')
    site.engine.failWith = refused
    return ask(site)
  }),
  generation_not_supported: on((site) => {
    site.engine.failWith = new EngineError('not_generative', site.canary)
    return ask(site)
  }),
  embeddings_not_supported: on((site) =>
    ask(site, { input: site.canary }, { path: '/v1/embeddings' }),
  ),
  context_length_exceeded: on((site) => {
    const content = `${site.canary} `.repeat(100)
    return ask(site, { messages: [{ role: 'user', content }] })
  }),
  chat_not_supported: on((site) => ask(site), {}, false),
  bad_request: on((site) => askRaw(site, `${site.canary}\r\n\r\n`)),
  missing_api_key: on((site) => ask(site, {}, { headers: { authorization: '' } })),
  invalid_api_key: on((site) => ask(site, {}, { headers: { authorization: 'Bearer no' } })),
  model_not_found: on((site) => ask(site, { model: 'other' })),
  unknown_url: on((site) => ask(site, {}, { path: `/v1/${site.canary}?${site.canary}` })),
  request_timeout: on((site) => askRaw(site, rawPost(bodyOf(site)).slice(0, -3)), {
    requestReceiveMs: 300,
  }),
  request_too_large: on((site) => ask(site, { user: site.canary.repeat(100) }), {
    maxBodyBytes: 1024,
  }),
  unsupported_media_type: on((site) =>
    ask(site, {}, { headers: { 'content-type': 'text/plain' } }),
  ),
  headers_too_large: on((site) =>
    askRaw(site, rawPost(bodyOf(site), { 'x-a': site.canary.repeat(1000) })),
  ),
  too_many_streams: on(askBusy, { maxStreamsPerKey: 1 }),
  queue_full: on(askBusy),
  overloaded: on((site) => refusing(site, new EngineError('too_late', site.canary))),
  client_closed_request: on(async (site) => {
    site.engine.beforeToken = () => new Promise(() => {})
    const leave = new AbortController()
    const asked = ask(site, { stream: true }, { signal: leave.signal })
    await until(() => site.engine.stats().running === 1, 'it runs')
    leave.abort()
    return await asked.catch(() => '')
  }),
  client_too_slow: on(
    async (site) => {
      site.engine.answer = Array.from({ length: 60 }, () => 'x'.repeat(1_000_000))
      const client = connectTo(site.url)
      client.socket.pause().write(rawPost(bodyOf(site, { stream: true, stop: null })))
      await until(() => site.gateway.logged().includes('client_too_slow'), 'it is cut')
      client.socket.destroy()
      return ''
    },
    { slowClientMs: 300 },
  ),
  internal_error: on(async (site) => {
    site.engine.generate = () => {
      throw new TypeError(`from where nobody foresaw it: ${site.canary}`)
    }
    const within = await ask(site)
    return within + (await refusing(site, new TypeError(site.canary)))
  }),
  model_unavailable: on((site) => {
    site.engine.failAt = 2
    return ask(site, { stream: true })
  }),
  model_starting: onHeld(8),
  too_many_held: onHeld(1),
  shutting_down: on(async (site) => {
    site.gateway.lifecycle.endAnswers()
    return await ask(site)
  }),
  deadline_exceeded: on(
    async (site) => {
      site.engine.beforeToken = () => new Promise(() => {})
      return await ask(site)
    },
    { maxStreamMs: 1000 },
  ),
}

/** Two requests for a model without a pod, of which so many are held. */
function onHeld(maxHeld: number) {
  return async (): Promise<[Site, string]> => {
    const site = await open()
    const gateway = gatewayRole('http://127.0.0.1:1', undefined, {
      scaling: { by: 'keda', holdMs: 1000 },
      ofModel: {
        ...{ deployment: 'a', min: 0, max: 1, slots: 1, waitingPerReplica: 0, maxHeld },
        ...{ waitMs: 1000, idleMs: 1000 },
      },
    })
    opened.push(() => gateway.close())
    const held = { ...site, gateway, url: await gateway.listen() }
    return [held, (await Promise.all([ask(held), ask(held)])).join('')]
  }
}

function on(visit: (site: Site) => Promise<string>, limits: object = {}, chat = true) {
  return async (): Promise<[Site, string]> => {
    const site = await open(limits, chat)
    return [site, await visit(site)]
  }
}

test.each(Object.entries(PATHS))(
  'what a client says is in no log, metric or error on the way to %s',
  async (code, path) => {
    const [site, seen] = await path()
    const known = () => seen + site.gateway.logged() + site.model.logged()
    await until(() => known().includes(`"code":"${code}"`), `${code} is said`)
    const metrics = [site.gateway, site.model].map(({ metrics: { registry } }) =>
      registry.metrics(),
    )
    const everything = known() + (await Promise.all(metrics)).join('')
    expect(everything).toContain('serantau_requests_total')
    expect(everything).not.toContain(site.canary)
  },
)

test('nor when it is answered, whole or as a stream', async () => {
  const site = await open()
  for (const stream of [false, true]) {
    expect(await ask(site, { stream })).toContain(stream ? '[DONE]' : 'Hello from the fake.')
  }
  const logs = site.gateway.logged() + site.model.logged()
  expect(logs.split('"status":200')).toHaveLength(5)
  expect(site.engine.chats[0]?.messages[0]?.content).toContain(site.canary)
  const metrics = [site.gateway, site.model].map(({ metrics: { registry } }) => registry.metrics())
  expect(logs + (await Promise.all(metrics)).join('')).not.toContain(site.canary)
})
