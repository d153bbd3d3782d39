import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryFolder } from '../../server/memory-folder.ts'
import { connectTo, rawPost } from '../helpers/raw-http.ts'
import { events, headers, until } from '../helpers/roles.ts'
import {
  gatewayConfig,
  metric,
  modelConfig,
  startRole,
  untilReady,
  weightsOf,
} from '../helpers/real-role.ts'
import type { RealRole } from '../helpers/real-role.ts'

const MODEL = 'smollm2-135m-instruct'
const MEMORY = '64Mi'

let [state, prefixes] = ['', '']
let model: RealRole
let gateway: RealRole

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'serantau-canary-'))
  prefixes = memoryFolder(64 * 2 ** 20) ?? mkdtempSync(join(tmpdir(), 'serantau-canary-'))
  const systemPrompts = ['You answer in one word.']
  const config = modelConfig(MODEL, await weightsOf(MODEL), {
    slots: 2,
    maxQueued: 0,
    systemPrompts,
  })
  model = await startRole(
    {
      ...config,
      ...{ state: { folder: state }, prefixCache: { folder: prefixes, memory: MEMORY } },
    },
    { coreDumps: true },
  )
  gateway = await startRole(gatewayConfig({ [MODEL]: model.url }), { coreDumps: true })
  await Promise.all([untilReady(model), untilReady(gateway)])
})
afterAll(async () => {
  await Promise.all([model?.stop(), gateway?.stop()])
  for (const folder of [state, prefixes]) rmSync(folder, { recursive: true, force: true })
})

const canaries: string[] = []
/** 128 random bits, in each place where a client says something. */
function body(more: object = {}): object {
  const canary = randomBytes(16).toString('hex')
  canaries.push(canary)
  const messages = [
    { role: 'system', content: `The word is ${canary}.` },
    { role: 'user', content: `Say ${canary} and tell a long story about it.` },
  ]
  const said = { user: canary, stop: [`${canary} ${canary}`], metadata: { canary } }
  return { model: MODEL, messages, max_tokens: 8, temperature: 0, ...said, ...more }
}

const post = (payload: object | string, signal?: AbortSignal) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    ...{ method: 'POST', headers: headers() },
    body: typeof payload === 'string' ? payload : JSON.stringify(payload),
    ...(signal === undefined ? {} : { signal }),
  })

const LONG = { stream: true, max_tokens: 900 }

/** Resolves once the first piece of its answer came. */
async function beginsStream(signal?: AbortSignal) {
  const response = await post(body(LONG), signal)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  await reader.read()
  return reader
}

/** Error bodies are the client's own, but must not say again what it said. */
const errors: string[] = []
async function refused(status: number, payload: object | string): Promise<void> {
  const response = await post(payload)
  expect(response.status).toBe(status)
  errors.push(await response.text())
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
}

test('what was said is in no log, metric, error, file or core dump, a crash of the engine included', async () => {
  expect((await post(body())).status).toBe(200)
  expect(events(await (await post(body({ stream: true }))).text()).at(-1)).toBe('[DONE]')
  await refused(400, body({ store: true }))
  await refused(400, body({ temperature: 9 }))
  await refused(400, body({ messages: [{ role: 'user', content: 'x '.repeat(3000) }] }))
  await refused(404, body({ model: 'other' }))
  await refused(400, JSON.stringify(body()).slice(0, -1))
  await refused(400, JSON.stringify(body()).replace('{', '{"model":1,'))
  const raw = connectTo(gateway.url)
  raw.socket.end(rawPost(body()).slice(0, -5))
  errors.push(await raw.closed)
  // Two hold the slots, and a third one finds no place.
  const leave = new AbortController()
  const left = [await beginsStream(leave.signal), await beginsStream(leave.signal)]
  await refused(429, body())
  leave.abort()
  await Promise.allSettled(left.map((reader) => reader.read()))
  const running = () => metric(model, 'vllm:num_requests_running')
  await until(async () => (await running()) === 0, 'both have left')
  const pid = model.enginePid()
  const reader = await beginsStream()
  process.kill(pid, 'SIGABRT')
  let text = ''
  for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value
  errors.push(events(text).at(-1) ?? '')
  expect(errors.at(-1)).toContain('model_unavailable')
  await refused(503, body())
  await untilReady(model)
  expect((await post(body())).status).toBe(200)
  expect(model.enginePid()).not.toBe(pid)
  await until(() => gateway.logged().split('"msg":"request"').length > 12, 'all is logged')

  const metrics = await Promise.all(
    [model, gateway].map(async ({ metricsUrl }) => (await fetch(metricsUrl)).text()),
  )
  const places: [string, Buffer][] = [
    ['the log of the model', Buffer.from(model.logged())],
    ['the log of the gateway', Buffer.from(gateway.logged())],
    ['metrics', Buffer.from(metrics.join(''))],
    ['errors', Buffer.from(errors.join(''))],
    ...[state, prefixes, model.folder, gateway.folder]
      .flatMap(filesIn)
      .map((path): [string, Buffer] => [path, readFileSync(path)]),
  ]
  expect(canaries.length).toBeGreaterThan(12)
  const found = places.filter(([, bytes]) =>
    canaries.some((canary) =>
      (['utf8', 'utf16le'] as const).some((encoding) => bytes.includes(canary, 0, encoding)),
    ),
  )
  expect(found.map(([place]) => place)).toEqual([])
  expect(model.logged()).toContain('/v1/chat/completions')
})
