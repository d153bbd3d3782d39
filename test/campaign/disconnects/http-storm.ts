import { mkdtemp, rm } from 'node:fs/promises'
import { request as ask } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ModelConfig, ModelConfigSchema } from '../../../catalog/serving-config.ts'
import type { Engine } from '../../../server/engine/engine.ts'
import { createLogger } from '../../../server/logger.ts'
import { type RunningRole, runRole } from '../../../server/run-role.ts'
import type { RealRole } from '../../helpers/real-role.ts'
import { gatewayConfig, isReady, modelConfig, startRole } from '../../helpers/real-role.ts'
import { API_KEY, until, writeKeys } from '../../helpers/roles.ts'
import { type Sample, type Visit, lateness } from './leaves.ts'

const READY_MS = 60_000
const QUIET_MS = 60_000
const POLL_MS = 2
const DRAIN_MS = 10_000

/** The model role behind the gateway, whose clients cut their connections. */
export class HttpStorm {
  readonly lateMs: number[] = []
  /** Clients that had seen a part of their answer when they left. */
  answered = 0
  readonly faults: string[] = []
  readonly #id: string
  readonly #folder: string
  readonly #model: RunningRole
  readonly #gateway: RealRole

  private constructor(id: string, folder: string, model: RunningRole, gateway: RealRole) {
    this.#id = id
    this.#folder = folder
    this.#model = model
    this.#gateway = gateway
  }

  /** The model role runs in this process, as its program runs it: what it knows can be asked at once. */
  static async open(id: string, file: string, more: object): Promise<HttpStorm> {
    const config = ModelConfigSchema.parse(modelConfig(id, file, more))
    const folder = await mkdtemp(join(tmpdir(), 'serantau-campaign-'))
    const model = await startModel(config, folder)
    const gateway = await startRole(gatewayConfig({ [id]: `http://127.0.0.1:${model.port}` }))
    const storm = new HttpStorm(id, folder, model, gateway)
    try {
      await until(() => storm.#engine.status().state === 'ready', 'engine ready', READY_MS)
      await until(() => isReady(gateway.url), 'gateway ready', READY_MS)
    } catch (error) {
      await storm.close()
      throw error
    }
    return storm
  }

  /** Requests that the engine holds. */
  get held(): number {
    const { running, waiting } = this.#engine.stats()
    return running + waiting
  }

  /** All ask at once, and leave one after the other; resolves when the engine is free, or too late. */
  async wave(visits: readonly Visit[]): Promise<void> {
    const samples: Sample[] = []
    const poll = setInterval(() => samples.push(this.#sample()), POLL_MS)
    try {
      const left = await Promise.all(visits.map((visit) => this.#visit(visit)))
      await until(() => this.held === 0, 'free', QUIET_MS).catch(() => undefined)
      samples.push(this.#sample())
      this.lateMs.push(...lateness(left, samples))
    } finally {
      clearInterval(poll)
    }
  }

  /** Both roles drain; says which of them still waited for clients that had left. */
  async close(): Promise<string[]> {
    const [gateway, model] = [this.#gateway, this.#model]
    gateway.process.kill('SIGTERM')
    const late = [await isLate('the gateway', gateway.exited)]
    gateway.process.kill('SIGKILL')
    late.push(await isLate('the model role', model.drain(0)))
    await this.#engine.close()
    await rm(this.#folder, { recursive: true, force: true })
    return late.filter((line) => line !== undefined)
  }

  get #engine(): Engine {
    return this.#model.engine!
  }

  #sample(): Sample {
    const atMs = performance.now()
    const { msSinceStep = Infinity } = this.#engine.status()
    return { atMs, held: this.held, stepMs: atMs - msSinceStep }
  }

  /** Resolves with the time at which its connection was cut. */
  async #visit({ prompt, from, stayMs }: Visit): Promise<number> {
    const body = { model: this.#id, prompt, max_tokens: 100_000, ignore_eos: true, stream: true }
    const asked = ask(`${this.#gateway.url}/v1/completions`, {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    })
    let [begun, left] = [false, false]
    const answered = Promise.withResolvers<void>()
    asked.on('response', (response) => {
      if (response.statusCode !== 200) this.faults.push(`a client got ${response.statusCode}`)
      response
        .on('error', () => undefined)
        .on('data', () => {
          begun = true
          answered.resolve()
        })
    })
    asked.on('error', ({ message }) => {
      if (!left) this.faults.push(`a connection broke: ${message}`)
      answered.resolve()
    })
    asked.end(JSON.stringify(body))
    if (from === 'decoding') await answered.promise
    await sleep(stayMs)
    if (begun) this.answered++
    left = true
    asked.destroy()
    return performance.now()
  }
}

/** Nobody is there any more, so there is nothing to wait for. */
async function isLate(name: string, drained: Promise<unknown>): Promise<string | undefined> {
  const line = `${name} still drained ${DRAIN_MS} ms after its last client had left`
  const late = sleep(DRAIN_MS, line, { ref: false })
  return await Promise.race([drained.then(() => undefined), late])
}

async function startModel(config: ModelConfig, folder: string): Promise<RunningRole> {
  const keysFile = join(folder, 'keys.json')
  writeKeys(keysFile, [{ name: 'first', key: API_KEY }])
  const logger = createLogger('model', { write: () => undefined })
  return await runRole({
    config,
    keysFile,
    host: '127.0.0.1',
    port: 0,
    metricsPort: undefined,
    logger,
  })
}
