/**
 * The model role as a process, with the command line of `server/main.ts`, over an engine without a model.
 * FAKE_ANSWER in the environment: what it says to everything, as `FakeAnswer`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { readOptions } from '../../server/config.ts'
import { createLogger } from '../../server/logger.ts'
import { createModelApp } from '../../server/model/app.ts'
import { KeyStore } from '../../server/plugins/keys.ts'
import { Lifecycle } from '../../server/plugins/lifecycle.ts'
import { Metrics, serveMetrics } from '../../server/plugins/metrics.ts'
import { FakeEngine } from './fake-engine.ts'

export interface FakeAnswer {
  pieces: number
  /** Of each piece. */
  bytes: number
  /** Before each piece; absent: all come at once. */
  everyMs?: number
}

const SLOTS = 256

const { config, keysFile, host, port, metricsPort } = readOptions(process.argv.slice(2))
if (config.role !== 'model') throw new Error('expected the config of a model role')
const answer = JSON.parse(process.env['FAKE_ANSWER'] ?? '{"pieces":3,"bytes":4}') as FakeAnswer
const engine = new FakeEngine(SLOTS, SLOTS)
const { pieces, bytes, everyMs } = answer
engine.remembers = false
engine.answer = Array.from({ length: pieces }, () => 'x'.repeat(bytes))
if (everyMs !== undefined) engine.beforeToken = () => sleep(everyMs)
const logger = createLogger('model')
const metrics = new Metrics()
const keys = new KeyStore(keysFile, (event) => logger.info(event))
const app = createModelApp({ config, engine, keys, metrics, logger, lifecycle: new Lifecycle() })
await serveMetrics(metrics, host, metricsPort)
await app.listen({ host, port })
