/** Only what Node brings is imported here, so that it can run before everything else of a role. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { extname, join } from 'node:path'
import { engineThreads, ownQuota } from './cpu-quota.ts'
import { engineEnvironment } from './engine-environment.ts'

/** JavaScript in an image, TypeScript in a checkout: as this file. */
const ENGINE_PROCESS = join(import.meta.dirname, `engine-process${extname(import.meta.filename)}`)

/** Starts an engine process, which waits for its first message. It ends when its parent leaves it. */
export function forkEngine(): ChildProcess {
  const quota = ownQuota()
  const cores = availableParallelism()
  return fork(ENGINE_PROCESS, [], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // What an operator set counts more.
    env: { ...engineEnvironment({ threads: engineThreads(), quota, cores }), ...process.env },
  })
}
