import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { GatewayConfigSchema, ModelConfigSchema } from '../../catalog/serving-config.ts'
import type { Priority } from '../../server/engine/engine.ts'
import { createGatewayApp } from '../../server/gateway/app.ts'
import type { KubernetesApi } from '../../server/gateway/scaling/kubernetes-api.ts'
import { createLogger } from '../../server/logger.ts'
import { createModelApp } from '../../server/model/app.ts'
import { KeyStore } from '../../server/plugins/keys.ts'
import { Lifecycle } from '../../server/plugins/lifecycle.ts'
import { Metrics } from '../../server/plugins/metrics.ts'
import { FakeEngine } from './fake-engine.ts'

export const API_KEY = 'sk-canary-5f1d7c0e9b'
export const MODEL = 'fake-1'
export const DIGEST = 'ab'.repeat(32)

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

interface PlainKey {
  name: string
  key: string
  tenant?: string
  priority?: Priority
}

export function writeKeys(file: string, keys: PlainKey[]) {
  const rows = keys.map(({ key, ...rest }) => ({ ...rest, sha256: sha256(key) }))
  writeFileSync(file, JSON.stringify({ keys: rows }))
}

export interface TestRole {
  app: FastifyInstance
  engine: FakeEngine
  metrics: Metrics
  keysFile: string
  keys: KeyStore
  lifecycle: Lifecycle
  /** Everything that was logged. */
  logged: () => string
  listen: () => Promise<string>
  close: () => Promise<void>
}

interface RoleSettings {
  engine?: FakeEngine
  model?: object
  limits?: object
}

/** The model role over a fake engine. */
export function modelRole({
  engine = new FakeEngine(),
  model,
  limits,
}: RoleSettings = {}): TestRole {
  const config = ModelConfigSchema.parse({
    role: 'model',
    model: {
      ...{ id: MODEL, digest: DIGEST, licence: 'Apache-2.0', file: '/none.gguf' },
      ...{ contextSize: 64, slots: 4, chat: true },
      ...model,
    },
    ...(limits === undefined ? {} : { limits }),
  })
  return role(engine, (common) => createModelApp({ ...common, config, engine }))
}

/** The gateway in front of the given base URL. */
export function gatewayRole(url: string, limits?: object, scaled: ScaledSettings = {}): TestRole {
  const { scaling, ofModel, kubernetes } = scaled
  const config = GatewayConfigSchema.parse({
    role: 'gateway',
    models: [
      {
        ...{ id: MODEL, digest: DIGEST, licence: 'Apache-2.0', url },
        ...(ofModel === undefined ? {} : { scaling: ofModel }),
      },
    ],
    ...(scaling === undefined ? {} : { scaling }),
    ...(limits === undefined ? {} : { limits }),
  })
  const api = kubernetes === undefined ? {} : { kubernetes }
  return role(new FakeEngine(), (common) => createGatewayApp({ ...common, config, ...api }))
}

interface ScaledSettings {
  /** `scaling` of the gateway's config, and of its one model. */
  scaling?: object
  ofModel?: object
  kubernetes?: KubernetesApi
}

type Common = Omit<Parameters<typeof createGatewayApp>[0], 'config'>

function role(engine: FakeEngine, create: (common: Common) => FastifyInstance): TestRole {
  const folder = mkdtempSync(join(tmpdir(), 'serantau-role-'))
  const keysFile = join(folder, 'keys.json')
  writeKeys(keysFile, [{ name: 'first', key: API_KEY }])
  const lines: string[] = []
  const logger = createLogger('test', { write: (line) => lines.push(line) })
  logger.level = 'debug'
  const metrics = new Metrics()
  const keys = new KeyStore(keysFile, (event) => logger.info(event), 20)
  const lifecycle = new Lifecycle()
  const app = create({ keys, metrics, logger, lifecycle })
  return {
    ...{ app, engine, metrics, keysFile, keys, lifecycle },
    logged: () => lines.join(''),
    listen: () => app.listen({ host: '127.0.0.1', port: 0 }),
    close: async () => {
      keys.close()
      app.server.closeAllConnections()
      await app.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const headers = (key = API_KEY) => ({
  authorization: `Bearer ${key}`,
  'content-type': 'application/json',
})

export const chatBody = (more: object = {}) => ({
  model: MODEL,
  messages: [{ role: 'user', content: 'one two three' }],
  ...more,
})

/** Data of each server-sent event of a whole stream. */
export function events(stream: string): string[] {
  return stream
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.replace(/^data: /, ''))
}

/** Waits until `probe` holds; fails loudly after `ms`. */
export async function until(probe: () => boolean | Promise<boolean>, what: string, ms = 10_000) {
  const end = Date.now() + ms
  while (!(await probe())) {
    if (Date.now() > end) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
