/**
 * `npm start`: both roles in one process over loopback, no Kubernetes, any OS. Fetches the weights
 * once, makes a first key, and says how to ask. Answers of people's questions stay on this machine.
 */
import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import closeWithGrace from 'close-with-grace'
import type { BaseModel } from '../catalog/base-model.ts'
import { KitError } from '../catalog/errors.ts'
import { BASE_MODELS, DEFAULT_MODEL_ID, knownFile } from '../catalog/models/index.ts'
import { bytesOf } from '../catalog/quantity.ts'
import { GatewayConfigSchema, ModelConfigSchema } from '../catalog/serving-config.ts'
import type { GatewayConfig, ModelConfig } from '../catalog/serving-config.ts'
import { ensureWeights } from '../weights/fetch.ts'
import { chooseAddon, describeAddon } from './engine/addon.ts'
import { leaveMemoryOutOfCoreDumps } from './core-dumps.ts'
import { ensureFirstKey } from './first-key.ts'
import { createLogger } from './logger.ts'
import { memoryFolder } from './memory-folder.ts'
import { runRole } from './run-role.ts'
import type { RunningRole } from './run-role.ts'

const USAGE = 'npm start -- [--model <id>] [--accept-licence <id>] [--port 8080] [--verbose]'
const HOST = '127.0.0.1'
const MAX_CONTEXT = 2048
const SLOTS = 4
/** For prefixes whose slot was taken, where this machine has room. */
const PREFIX_MEMORY = '256Mi'
const READY_POLL_MS = 50

/** The same folders as the CLI's: weights that one fetched serve the other. */
const cacheFolder = () => process.env['SERANTAU_CACHE'] ?? join(homedir(), '.cache', 'serantau')
const stateFolder = () =>
  process.env['SERANTAU_HOME'] ?? join(homedir(), '.local', 'share', 'serantau')

const say = (line: string) => process.stderr.write(`${line}\n`)

async function main(): Promise<void> {
  leaveMemoryOutOfCoreDumps()
  const options = readArguments(process.argv.slice(2))
  const { model, port } = options
  const file = await ensureWeights(knownFile(model), join(cacheFolder(), 'weights'), (detail) =>
    say(`weights: ${detail}`),
  )
  say(`engine: ${describeAddon(await chooseAddon())}`)
  const { keyPath, keysFile } = ensureFirstKey(stateFolder())
  const logger = createLogger('npm-start', process.stderr)
  logger.level = options.verbose ? 'info' : 'error'
  const common = { keysFile, host: HOST, metricsPort: undefined, logger }
  const modelRole = await runRole({ ...common, config: modelConfig(model, file), port: 0 })
  const gateway = await startGateway(modelRole, async (url) =>
    runRole({ ...common, config: gatewayConfig(model, url), port }),
  )
  closeWithGrace({ delay: false, logger: false }, async () => {
    await gateway.drain(0)
    await modelRole.drain(0)
  })
  say(`loading ${model.name} ...`)
  await engineReady(modelRole)
  printSnippet(model, gateway.port, keyPath)
}

/** A taken port must not leave the model role running. */
async function startGateway(
  modelRole: RunningRole,
  start: (url: string) => Promise<RunningRole>,
): Promise<RunningRole> {
  try {
    return await start(`http://${HOST}:${modelRole.port}`)
  } catch (error) {
    await modelRole.drain(0)
    throw error
  }
}

async function engineReady({ engine }: RunningRole): Promise<void> {
  while (engine?.status().state !== 'ready') {
    const { state, cause } = engine?.status() ?? { state: 'closed' }
    if (state === 'closed') return
    if (state === 'restarting') throw new Error(`the model could not be loaded: ${cause}`)
    await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS))
  }
}

function served(model: BaseModel) {
  return { id: model.id, digest: knownFile(model).sha256, licence: model.licence.id }
}

function modelConfig(model: BaseModel, file: string): ModelConfig {
  const folder = memoryFolder(bytesOf(PREFIX_MEMORY))
  const state = join(stateFolder(), 'engine', model.id)
  mkdirSync(state, { recursive: true, mode: 0o700 })
  return ModelConfigSchema.parse({
    role: 'model',
    model: {
      ...served(model),
      file,
      bytes: knownFile(model).bytes,
      contextSize: Math.min(MAX_CONTEXT, model.contextSize),
      slots: SLOTS,
      chat: model.chat,
    },
    ...(folder === undefined ? {} : { prefixCache: { folder, memory: PREFIX_MEMORY } }),
    // Steps are measured once, not at every start.
    state: { folder: state },
  })
}

const gatewayConfig = (model: BaseModel, url: string): GatewayConfig =>
  GatewayConfigSchema.parse({ role: 'gateway', models: [{ ...served(model), url }] })

function printSnippet(model: BaseModel, port: number, keyPath: string): void {
  const url = `http://${HOST}:${port}/v1`
  const [route, question] = model.chat
    ? ['chat/completions', '"messages":[{"role":"user","content":"Selamat pagi!"}]']
    : ['completions', '"prompt":"Selamat pagi","max_tokens":32']
  say(`\nServing ${model.id} on ${url} (API key: ${keyPath}). Ctrl-C ends it.\n`)
  process.stdout.write(
    `curl ${url}/${route} \\\n  -H "Authorization: Bearer $(cat '${keyPath}')" \\\n` +
      `  -H 'Content-Type: application/json' \\\n  -d '{"model":"${model.id}",${question}}'\n`,
  )
}

function readArguments(args: string[]) {
  const values = parseCommandLine(args)
  const model = BASE_MODELS[values.model]
  if (model === undefined) {
    throw new KitError('MODEL_UNKNOWN', {
      path: '--model',
      expected: `one of ${Object.keys(BASE_MODELS).join(', ')}`,
      got: values.model,
      fix: 'name a model of the catalogue',
    })
  }
  const { id, acceptanceRequired, document } = model.licence
  if (acceptanceRequired && !values['accept-licence'].includes(id)) {
    throw new KitError('LICENCE_NOT_ACCEPTED', {
      path: '--accept-licence',
      expected: `"${id}" (${document})`,
      got: values['accept-licence'].join(', ') || 'nothing',
      fix: `read the licence, then add --accept-licence ${id}`,
    })
  }
  const port = Number(values.port)
  if (!/^\d+$/.test(values.port) || port > 65_535) {
    throw usage('--port', 'a whole number from 0 to 65535', values.port)
  }
  return { model, port, verbose: values.verbose }
}

function parseCommandLine(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        model: { type: 'string', default: DEFAULT_MODEL_ID },
        'accept-licence': { type: 'string', multiple: true, default: [] },
        port: { type: 'string', default: '8080' },
        verbose: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw usage('command line', 'known options', (error as Error).message)
  }
}

const usage = (path: string, expected: string, got: string) =>
  new KitError('USAGE', { path, expected, got, fix: `use: ${USAGE}` })

main().catch((error: unknown) => {
  const known = error instanceof KitError
  say(`${known ? `${error.code}: ` : ''}${(error as Error).message}`)
  process.exit(known ? error.exitCode : 1)
})
