import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BASE_MODELS, knownFile } from '../../catalog/models/index.ts'
import { ensureWeights } from '../../weights/fetch.ts'
import { API_KEY, until, writeKeys } from './roles.ts'

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url))

const CACHE = process.env['SERANTAU_CACHE'] ?? join(homedir(), '.cache', 'serantau')

/** Path of a catalogue model's verified file, in the cache that the CLI shares. */
export async function weightsOf(id: string): Promise<string> {
  return await ensureWeights(knownFile(BASE_MODELS[id]!), join(CACHE, 'weights'), () => undefined)
}

const WITH_CORE_DUMPS = ['sh', '-c', 'ulimit -c unlimited && exec "$0" "$@"']

export interface RealRole {
  url: string
  /** Its config, its keys, and whatever it writes where it runs. Gone with the process. */
  folder: string
  metricsUrl: string
  process: ChildProcess
  /** Everything that it logged so far. */
  logged: () => string
  /** Process id of its engine as it runs now. */
  enginePid: () => number
  exited: Promise<number | null>
  stop: () => Promise<void>
}

export interface RealRoleSettings {
  env?: Record<string, string>
  drainDelayMs?: number
  /** In place of `server/main.ts`, with the same command line. */
  program?: string
  /** A crash leaves a core file, where the machine keeps them in the folder of the process. */
  coreDumps?: true
  /** Nothing of its log is kept. */
  unlogged?: true
  /** Each is the key of a tenant of its own. */
  keys?: readonly string[]
}

/** Starts `server/main.ts` as the image does, with its config and keys in a folder of its own. */
export async function startRole(
  config: object,
  settings: RealRoleSettings = {},
): Promise<RealRole> {
  const folder = mkdtempSync(join(tmpdir(), 'serantau-real-'))
  const [configFile, keysFile] = [join(folder, 'serving.json'), join(folder, 'keys.json')]
  writeFileSync(configFile, JSON.stringify(config))
  const keys = settings.keys ?? [API_KEY]
  writeKeys(
    keysFile,
    keys.map((key, at) => ({ name: at === 0 ? 'first' : `tenant-${at}`, key })),
  )
  const [port, metricsPort] = [await freePort(), await freePort()]
  const files = ['--config', configFile, '--keys', keysFile, '--host', '127.0.0.1']
  const numbers = ['--port', `${port}`, '--metrics-port', `${metricsPort}`]
  const drain = ['--drain-delay-ms', `${settings.drainDelayMs ?? 0}`]
  const program = [process.execPath, settings.program ?? MAIN]
  const [command = '', ...args] = settings.coreDumps ? [...WITH_CORE_DUMPS, ...program] : program
  const child = spawn(command, [...args, ...files, ...numbers, ...drain], {
    stdio: ['ignore', settings.unlogged ? 'ignore' : 'pipe', 'pipe'],
    env: { ...process.env, ...settings.env },
    cwd: folder,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  void exited.then(() => rmSync(folder, { recursive: true, force: true }))
  return {
    url: `http://127.0.0.1:${port}`,
    folder,
    metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
    process: child,
    logged: () => output,
    enginePid: () => lastEnginePid(output),
    exited,
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

function lastEnginePid(output: string): number {
  const pids = [...output.matchAll(/"event":"engine_ready","pid":(\d+)/g)].map(([, pid]) => pid)
  if (pids.length === 0) throw new Error(`no engine is ready: ${output}`)
  return Number(pids.at(-1))
}

export async function isReady(url: string): Promise<boolean> {
  return await fetch(`${url}/health/ready`).then(
    ({ status }) => status === 200,
    () => false,
  )
}

export const untilReady = ({ url }: RealRole) => until(() => isReady(url), 'ready', 60_000)

export function modelConfig(id: string, file: string, more: object = {}): object {
  const { chat, licence } = BASE_MODELS[id]!
  const { sha256: digest, bytes } = knownFile(BASE_MODELS[id]!)
  const model = { id, digest, bytes, licence: licence.id, file, chat }
  return { role: 'model', model: { ...model, contextSize: 1024, slots: 4, ...more } }
}

export function gatewayConfig(models: Record<string, string>): object {
  const rows = Object.entries(models).map(([id, url]) => {
    const { licence } = BASE_MODELS[id]!
    return { id, digest: knownFile(BASE_MODELS[id]!).sha256, licence: licence.id, url }
  })
  return { role: 'gateway', models: rows }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Value of a metric, its labels as they are printed. */
export async function metric(role: RealRole, name: string): Promise<number> {
  const text = await (await fetch(role.metricsUrl)).text()
  const line = text.split('\n').find((row) => row.startsWith(`${name} `))
  if (line === undefined) throw new Error(`no metric ${name}`)
  return Number(line.slice(name.length + 1))
}
