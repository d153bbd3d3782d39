import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { memoryMiB } from '../bench/engine/processes.ts'
import type { FakeAnswer } from '../helpers/fake-model-main.ts'
import { isReady, metric, startRole } from '../helpers/real-role.ts'
import type { RealRole } from '../helpers/real-role.ts'
import { DIGEST, MODEL, until } from '../helpers/roles.ts'

const HELPERS = join(import.meta.dirname, '..', 'helpers')
const FAKE_MODEL = join(HELPERS, 'fake-model-main.ts')
const WATCH = pathToFileURL(join(HELPERS, 'watch-process.ts')).href
const READY_MS = 60_000

export interface EdgeSettings {
  limits: object
  /** What the model says to everything. */
  answer: FakeAnswer
}

/** One process of the site as it is now. */
export interface Watched {
  pid: number
  /** How long its event loop kept others waiting since `watch` began, milliseconds. */
  p99Ms: number
  mostMs: number
  memoryMiB: number
}

export type RoleName = 'gateway' | 'model'

/** Both roles as processes of their own on the loopback; the gateway as it runs, the model without a real one. */
export class EdgeSite {
  readonly #roles: Readonly<Record<RoleName, RealRole>>

  private constructor(roles: Readonly<Record<RoleName, RealRole>>) {
    this.#roles = roles
  }

  url(name: RoleName): string {
    return this.#roles[name].url
  }

  static async open({ limits, answer }: EdgeSettings): Promise<EdgeSite> {
    const served = { id: MODEL, digest: DIGEST, licence: 'Apache-2.0' }
    const sizes = { file: '/none.gguf', contextSize: 100_000, slots: 64, chat: true }
    const env = (name: RoleName) => ({
      FAKE_ANSWER: JSON.stringify(answer),
      NODE_OPTIONS: `--import=${WATCH}`,
      WATCH_FILE: `${name}.json`,
    })
    const start = (name: RoleName, config: object, program?: string) =>
      startRole(config, {
        ...{ env: env(name), unlogged: true },
        ...(program === undefined ? {} : { program }),
      })
    const model = await start(
      'model',
      { role: 'model', model: { ...served, ...sizes }, limits },
      FAKE_MODEL,
    )
    const gateway = await start('gateway', {
      role: 'gateway',
      models: [{ ...served, url: model.url }],
      limits,
    })
    const site = new EdgeSite({ gateway, model })
    try {
      for (const { url } of [model, gateway]) await until(() => isReady(url), 'ready', READY_MS)
    } catch (error) {
      await site.close()
      throw error
    }
    return site
  }

  /** From now on: what came before is the start of both. */
  beginWatch(): void {
    for (const { process: child } of Object.values(this.#roles)) child.kill('SIGWINCH')
  }

  async watched(name: RoleName): Promise<Watched> {
    const { folder } = this.#roles[name]
    const loop = JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as Watched
    return { ...loop, memoryMiB: await this.memoryMiB(name) }
  }

  async memoryMiB(name: RoleName): Promise<number> {
    return await memoryMiB([this.#roles[name].process.pid ?? 0])
  }

  metric(name: RoleName, metricName: string): Promise<number> {
    return metric(this.#roles[name], metricName)
  }

  /** Those that ended, with the last that they said. */
  ended(): string[] {
    return Object.entries(this.#roles)
      .filter(([, { process: child }]) => child.exitCode !== null || child.signalCode !== null)
      .map(([name, { logged }]) => `the ${name} role ended: ${logged().slice(-500)}`)
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#roles).map((role) => role.stop()))
  }
}
