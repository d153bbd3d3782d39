import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ServerCommand {
  program: string
  args: string[]
  env: Record<string, string>
  /** Where its output goes. */
  log: string
}

export interface ServerProcess {
  pid: number
  /** Resolves when `url` answers 200; fails when the process ends or takes too long. */
  ready: (url: string) => Promise<void>
  stop: () => Promise<void>
}

const READY_MS = 120_000
const POLL_MS = 5
const STOP_MS = 5_000

const alive = new Set<ChildProcess>()
/** A bench that is interrupted leaves no server behind. */
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

export function startServer({ program, args, env, log }: ServerCommand): ServerProcess {
  const output = openSync(log, 'a')
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  alive.add(child)
  let failure: string | undefined
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      failure = error.message
      resolve()
    })
    child.once('exit', (status, signal) => {
      failure = `it ended with ${status ?? signal}`
      alive.delete(child)
      resolve()
    })
  })
  return {
    pid: child.pid ?? 0,
    ready: async (url) => {
      const end = Date.now() + READY_MS
      while (!(await answers(url))) {
        const late = Date.now() > end ? 'not ready in time' : undefined
        const why = failure ?? late
        if (why !== undefined) {
          const said = (await readFile(log, 'utf8')).slice(-1500)
          throw new Error(`${program} ${args.join(' ')}: ${why}\n${said}`)
        }
        await sleep(POLL_MS)
      }
    },
    stop: async () => {
      child.kill('SIGTERM')
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await exited
      clearTimeout(kill)
    },
  }
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    async (response) => {
      await response.arrayBuffer()
      return response.status === 200
    },
    () => false,
  )
