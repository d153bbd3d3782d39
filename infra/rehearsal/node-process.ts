import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { KitError } from '../../catalog/errors.ts'
import type { Sandbox } from '../local/cluster/sandbox.ts'

/** A program that runs beside the node's own. */
export interface NodeProcess {
  name: string
  /** Path of what it prints. */
  log: string
  /** Fails with CLUSTER_START_FAILED and the end of its log when it has ended unasked. */
  check(): Promise<void>
  /** Resolves when it has ended. */
  stop(): Promise<void>
}

export interface ProgramArgs {
  name: string
  program: string
  args: string[]
  env?: Record<string, string>
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const LOG_END = 1500

/**
 * Starts a program with the node's network, where its ports meet nobody else's, and the host's files. It
 * ends by `stop`, when the thread that started it ends, however that ends, and with the cluster.
 */
export async function startInside(
  { pid }: Sandbox,
  logFolder: string,
  { name, program, args, env = {} }: ProgramArgs,
): Promise<NodeProcess> {
  await mkdir(logFolder, { recursive: true, mode: 0o700 })
  const log = join(logFolder, `${name}.log`)
  const file = await open(log, 'a', 0o600)
  const enter = ['nsenter', `--target=${pid}`, '--pid', '--net', '--']
  // nsenter stays between us and the program: our end must reach it, and its end the program.
  const child = spawn('setpriv', [...TIED, ...enter, 'setpriv', ...TIED, program, ...args], {
    env: { PATH, ...env },
    stdio: ['ignore', file.fd, file.fd, 'pipe'],
  })
  await file.close()
  const ended = untilEnded(child)
  return {
    name,
    log,
    check: () => checkAlive(child, name, log),
    stop: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Killed with its parent: whatever runs here must survive a power cut anyhow. */
const TIED = ['--pdeathsig', 'KILL']

/** The program holds the pipe too, so that `close` comes when both have ended. */
function untilEnded(child: ChildProcess): Promise<void> {
  const held = child.stdio[3] as Readable
  held.resume()
  return new Promise((resolve) => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
}

async function checkAlive(child: ChildProcess, name: string, log: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) return
  const text = await readFile(log, 'utf8').catch(() => '')
  throw new KitError('CLUSTER_START_FAILED', {
    path: name,
    expected: 'a program that runs as long as the rehearsal',
    got: `status ${child.exitCode ?? child.signalCode}; its log ends with: ${text.slice(-LOG_END).trim()}`,
    fix: `read ${log}, then run the command again`,
  })
}
