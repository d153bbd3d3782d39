import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { serveMetrics } from '../../../server/plugins/metrics.ts'
import { FakeKubernetes } from '../../helpers/fake-kubernetes.ts'
import {
  chatBody,
  events,
  gatewayRole,
  headers,
  MODEL,
  modelRole,
  until,
} from '../../helpers/roles.ts'

const closes: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close()
})

const DEPLOYMENT = 'model-fake-1'
const MODEL_SCALING = {
  ...{ deployment: DEPLOYMENT, min: 0, max: 2, slots: 4, waitingPerReplica: 4 },
  ...{ waitMs: 15_000, idleMs: 60_000, maxHeld: 8 },
}

/** An address on which nothing listens until it is wanted. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

interface Site {
  url: string
  held: () => number
  logged: () => string
  gateway: ReturnType<typeof gatewayRole>
  kubernetes: FakeKubernetes
  /** The pod comes up. */
  startModel: () => Promise<ReturnType<typeof modelRole>>
}

async function site({
  by = 'gateway',
  holdMs = 20_000,
  limits = {},
  ofModel = {},
}: { by?: string; holdMs?: number; limits?: object; ofModel?: object } = {}): Promise<Site> {
  const kubernetes = await FakeKubernetes.start()
  closes.push(() => kubernetes.close())
  kubernetes.setReplicas(DEPLOYMENT, 0)
  const port = await freePort()
  const gateway = gatewayRole(`http://127.0.0.1:${port}`, limits, {
    scaling: { by, holdMs, lease: 'gateway-scaling' },
    ofModel: { ...MODEL_SCALING, ...ofModel },
    kubernetes: kubernetes.api(),
  })
  closes.push(() => gateway.close())
  const url = await gateway.listen()
  const held = () => {
    const page = gateway.metrics.pages.get(`/scaling/${MODEL}`)
    return (page?.() as { held: number }).held
  }
  return {
    ...{ url, held, gateway, kubernetes },
    logged: gateway.logged,
    startModel: async () => {
      const model = modelRole()
      closes.push(() => model.close())
      await model.app.listen({ host: '127.0.0.1', port })
      return model
    },
  }
}

const ask = (url: string, more: object = {}, signal?: AbortSignal) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: headers(),
    body: JSON.stringify(chatBody(more)),
    ...(signal === undefined ? {} : { signal }),
  })

test('requests for a model without a pod wake it, wait, and are all answered as it comes up', async () => {
  const { url, held, kubernetes, startModel } = await site()
  await until(() => kubernetes.asked.some((line) => line.endsWith('/scale')), 'a first look')
  await sleep(200)
  const whole = Array.from({ length: 4 }, () => ask(url).then((answer) => answer.json()))
  const streams = Array.from({ length: 4 }, async () =>
    events(await (await ask(url, { stream: true })).text()),
  )
  await until(() => held() === 8, 'all are held')
  await until(() => kubernetes.replicas(DEPLOYMENT) === 1, 'a pod is asked for at once', 2000)
  await startModel()
  for (const answer of await Promise.all(whole)) {
    expect(answer).toMatchObject({ choices: [{ message: { content: 'Hello from the fake.' } }] })
  }
  for (const stream of await Promise.all(streams)) expect(stream.at(-1)).toBe('[DONE]')
  expect(held()).toBe(0)
})

test('a stream gets no header before the model answers, so that a refusal keeps its status', async () => {
  const { url, held, startModel } = await site()
  let answered = false
  const refused = ask(url, { stream: true, temperature: 9 }).then((answer) => {
    answered = true
    return answer
  })
  await until(() => held() === 1, 'it is held')
  await sleep(300)
  expect(answered).toBe(false)
  await startModel()
  expect((await refused).status).toBe(400)
})

test('who leaves while held is forgotten, and the model never asked', async () => {
  const { url, held, logged, startModel } = await site()
  const leave = new AbortController()
  const asked = ask(url, {}, leave.signal).catch(() => 'left')
  await until(() => held() === 1, 'it is held')
  leave.abort()
  await asked
  await until(() => held() === 0, 'its place is free')
  await until(() => logged().includes('client_closed_request'), 'it is logged')
  const { engine } = await startModel()
  await sleep(300)
  expect(engine.requests).toHaveLength(0)
})

test('a pod that does not come up in time is a 503 that says so, with Retry-After', async () => {
  const { url } = await site({ holdMs: 1000 })
  const answer = await ask(url)
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '10'])
  expect(await answer.json()).toMatchObject({
    error: { code: 'model_starting', type: 'service_unavailable_error' },
  })
})

test('one more than may be held is refused at once, and the others stay', async () => {
  const { url, held, startModel } = await site({ ofModel: { maxHeld: 2 } })
  const first = [ask(url), ask(url)]
  await until(() => held() === 2, 'two are held')
  const answer = await ask(url)
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '10'])
  expect(await answer.json()).toMatchObject({ error: { code: 'too_many_held' } })
  await startModel()
  for (const each of await Promise.all(first)) expect(each.status).toBe(200)
})

test('a client that waited long is not taken for a slow one when its answer begins', async () => {
  const limits = { requestReceiveMs: 300, maxStreamMs: 1000, slowClientMs: 600 }
  const { url, held, logged, startModel } = await site({ limits })
  const { hostname, port } = new URL(url)
  const client = connect(Number(port), hostname)
  closes.push(async () => client.destroy())
  const body = JSON.stringify(chatBody({ stream: true }))
  const head = Object.entries({ ...headers(), host: 'x', 'content-length': body.length })
  client.write(
    `POST /v1/chat/completions HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n${body}`,
  )
  await until(() => held() === 1, 'it is held')
  // Longer than a request may last from its first byte to the last of its answer.
  await sleep(2200)
  const model = await startModel()
  // More than the kernel keeps: some of it waits here, while the client does not read for a moment.
  model.engine.answer = Array.from({ length: 16 }, () => 'x'.repeat(1_000_000))
  client.pause()
  await until(() => held() === 0, 'it is asked')
  await sleep(400)
  let text = ''
  client.setEncoding('utf8').on('data', (piece: string) => (text = (text + piece).slice(-200)))
  client.resume()
  await until(() => text.includes('[DONE]'), 'the answer is whole')
  expect(logged()).not.toContain('client_too_slow')
})

test('a model that is not scaled is told to be away at once, as before', async () => {
  const port = await freePort()
  const gateway = gatewayRole(`http://127.0.0.1:${port}`)
  closes.push(() => gateway.close())
  const answer = await ask(await gateway.listen())
  expect(await answer.json()).toMatchObject({ error: { code: 'model_unavailable' } })
})

test('the demand of a model can be read beside the metrics, with those that were refused', async () => {
  const { url, gateway, startModel, held } = await site({ by: 'keda' })
  const server = await serveMetrics(gateway.metrics, '127.0.0.1', 0)
  closes.push(async () => server.close())
  const { port } = server.address() as AddressInfo
  const read = async () => (await fetch(`http://127.0.0.1:${port}/scaling/${MODEL}`)).json()
  const asked = [ask(url), ask(url)]
  await until(() => held() === 2, 'two are held')
  expect(await read()).toEqual({ requests: 2, held: 2, refused: 0, finished: 0, demand: 2 })
  await startModel()
  await Promise.all(asked)
  await until(async () => ((await read()) as { finished: number }).finished === 2, 'both ended')
  expect(await read()).toEqual({ requests: 0, held: 0, refused: 0, finished: 2, demand: 0 })
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  expect(metrics).toContain(`serantau_held_requests{model="${MODEL}"} 0`)
  expect((await fetch(`http://127.0.0.1:${port}/scaling/other`)).status).toBe(404)
})

test('what the model refuses counts as demand for a while', async () => {
  const refuse = (_request: IncomingMessage, response: ServerResponse) =>
    response.writeHead(429, { 'content-type': 'application/json' }).end('{}')
  const server = createServer(refuse)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closes.push(async () => server.close())
  const { port } = server.address() as AddressInfo
  const gateway = gatewayRole(`http://127.0.0.1:${port}`, undefined, {
    ...{ scaling: { by: 'keda' }, ofModel: MODEL_SCALING },
  })
  closes.push(() => gateway.close())
  expect((await ask(await gateway.listen())).status).toBe(429)
  expect(gateway.metrics.pages.get(`/scaling/${MODEL}`)?.()).toMatchObject({ refused: 1 })
})
