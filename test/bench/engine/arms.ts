import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, gatewayConfig, modelConfig } from '../../helpers/real-role.ts'
import { API_KEY, writeKeys } from '../../helpers/roles.ts'
import type { Peer } from './build-peer.ts'
import type { Target } from './client.ts'
import { type LlamaFlags, SPINNING, llamaArgs, startingFlags } from './llama-flags.ts'
import { withOurKernels } from './our-kernels.ts'
import { family } from './processes.ts'
import { type ServerProcess, startServer } from './server-process.ts'

export const ARM_NAMES = [
  'ours',
  'prebuilt',
  'gateway',
  'plain',
  'llama-server',
  'llama-server-best',
  'llama-server-kernels',
] as const
export type ArmName = (typeof ARM_NAMES)[number]

/** What every arm serves, and with what. */
export interface Setup {
  modelId: string
  file: string
  slots: number
  /** Tokens of one request, prompt and answer. */
  context: number
  threads: number
  peer: Peer | undefined
  /** Our server's program, with the engine that was compiled here and with the one that npm brings. */
  program: string
  prebuiltProgram: string
  /** Of the arms `llama-server-best` and `llama-server-kernels`. */
  best: LlamaFlags
  /** Of our model role: fields of `model` in its config. */
  serving: object
  /** Of our model role: stays from start to start, as its volume does. */
  stateFolder: string
}

export interface RunningArm extends Target {
  /** Ids of all its processes. */
  pids: () => Promise<number[]>
  stop: () => Promise<void>
  /** Of a gateway: the model server that it asks. */
  behind?: Behind | undefined
}

export interface Behind {
  target: Target
  metricsUrl: string
}

interface Started {
  port: number
  key?: string
  processes: ServerProcess[]
  behind?: Behind
}

/** How each arm is started; ready means that it says so itself. */
const START: Record<ArmName, (setup: Setup, folder: string) => Promise<Started>> = {
  ours: startModel,
  prebuilt: (setup, folder) => startModel({ ...setup, program: setup.prebuiltProgram }, folder),
  gateway: startGateway,
  plain: startPlain,
  'llama-server': (setup, folder) => startLlama(setup, folder, startingFlags(setup.slots)),
  'llama-server-best': (setup, folder) => startLlama(setup, folder, setup.best),
  'llama-server-kernels': startKernels,
}

/** Removed when the command ends, by a signal too. */
const folders = new Set<string>()
const remove = (folder: string): void => {
  rmSync(folder, { recursive: true, force: true })
  folders.delete(folder)
}
process.on('exit', () => folders.forEach(remove))

export async function startArm(name: ArmName, setup: Setup): Promise<RunningArm> {
  const folder = mkdtempSync(join(tmpdir(), 'serantau-bench-'))
  folders.add(folder)
  try {
    const { port, key, processes, behind } = await START[name](setup, folder)
    return {
      ...{ port, key, model: setup.modelId, behind },
      pids: async () => (await Promise.all(processes.map(({ pid }) => family(pid)))).flat(),
      stop: async () => {
        for (const each of processes) await each.stop()
        remove(folder)
      },
    }
  } catch (error) {
    remove(folder)
    throw error
  }
}

const PLAIN = join(import.meta.dirname, 'plain-server.ts')

/** One key asks for all streams here, which is not what that limit is about. */
const LIMITS = { maxStreamsPerKey: 1024 }

function startRole(
  { program: main }: Setup,
  config: object,
  folder: string,
  name: string,
  ports: { port: number; metrics: number },
) {
  const [configFile, keysFile] = [join(folder, `${name}.json`), join(folder, 'keys.json')]
  writeFileSync(configFile, JSON.stringify({ ...config, limits: LIMITS }))
  writeKeys(keysFile, [{ name: 'bench', key: API_KEY }])
  const files = ['--config', configFile, '--keys', keysFile, '--host', '127.0.0.1']
  const listen = ['--port', `${ports.port}`, '--metrics-port', `${ports.metrics}`]
  const args = [main, ...files, ...listen, '--drain-delay-ms', '0']
  return startServer({
    ...{ program: process.execPath, args, env: {}, log: join(folder, `${name}.log`) },
  })
}

async function startModel(setup: Setup, folder: string): Promise<Started & { metricsUrl: string }> {
  const { modelId, file, slots, context, serving, stateFolder } = setup
  const [port, metrics] = [await freePort(), await freePort()]
  const model = modelConfig(modelId, file, { contextSize: context, slots, ...serving })
  const config = { ...model, state: { folder: stateFolder } }
  const role = startRole(setup, config, folder, 'model', { port, metrics })
  await readyOrStop([role], `http://127.0.0.1:${port}/health/ready`)
  const metricsUrl = `http://127.0.0.1:${metrics}/metrics`
  return { port, key: API_KEY, processes: [role], metricsUrl }
}

async function startGateway(setup: Setup, folder: string): Promise<Started> {
  const model = await startModel(setup, folder)
  const [port, metrics] = [await freePort(), await freePort()]
  const config = gatewayConfig({ [setup.modelId]: `http://127.0.0.1:${model.port}` })
  const gateway = startRole(setup, config, folder, 'gateway', { port, metrics })
  const processes = [gateway, ...model.processes]
  await readyOrStop(processes, `http://127.0.0.1:${port}/health/ready`)
  const target = { port: model.port, key: API_KEY, model: setup.modelId }
  return { port, key: API_KEY, processes, behind: { target, metricsUrl: model.metricsUrl } }
}

async function startPlain(setup: Setup, folder: string): Promise<Started> {
  const port = await freePort()
  const { file, slots, context, threads } = setup
  const args = [PLAIN, JSON.stringify({ file, slots, context, threads, port })]
  const log = join(folder, 'plain.log')
  const plain = startServer({ program: process.execPath, args, env: {}, log })
  await readyOrStop([plain], `http://127.0.0.1:${port}/health`)
  return { port, processes: [plain] }
}

/** The best flags with our kernels: what of a gain is kernels, and what is the server around them. */
async function startKernels(setup: Setup, folder: string): Promise<Started> {
  const peer = setup.peer && (await withOurKernels(setup.peer, folder))
  return startLlama({ ...setup, peer }, folder, setup.best)
}

async function startLlama(setup: Setup, folder: string, flags: LlamaFlags): Promise<Started> {
  const { peer, file, context, slots, threads } = setup
  if (peer === undefined) throw new Error('llama-server has not been built')
  const port = await freePort()
  const args = [
    ...['--model', file, '--threads', `${threads}`, '--host', '127.0.0.1', '--port', `${port}`],
    ...llamaArgs(flags, context, slots),
  ]
  const env = { ...peer.env, ...(flags.spin ? SPINNING : {}) }
  const server = startServer({ program: peer.server, args, env, log: join(folder, 'llama.log') })
  await readyOrStop([server], `http://127.0.0.1:${port}/health`)
  return { port, processes: [server] }
}

async function readyOrStop(processes: ServerProcess[], url: string): Promise<void> {
  try {
    await processes[0]?.ready(url)
  } catch (error) {
    for (const each of processes) await each.stop()
    throw error
  }
}
