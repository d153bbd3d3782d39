import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { chooseAddon, chosenOf } from '../../../server/engine/addon.ts'
import type { Loaded } from './loader-protocol.ts'

const CHILD = join(import.meta.dirname, 'loader-child.ts')
/** Native code keeps a little of each model. */
const LOADS_EACH = 500
const HUNG_MS = 20_000
const START_MS = 60_000
const KEPT_OUTPUT = 4000

/** Where it stands in the source, without the folders of whoever compiled it. */
const LAST_WORDS = /([\w-]+\.(cpp|c|h):\d+: .*|terminate called.*)$/m

/** `cause`: what native code said last, or how its process ended. */
export type LoadOutcome = Loaded | { kind: 'died'; cause: string }

/** Loads files in a process of their own, and in a new one after each that ended it. */
export class Loader {
  #child: ChildProcess | undefined
  #loads = 0
  #output = ''

  async load(path: string): Promise<LoadOutcome> {
    if (this.#loads >= LOADS_EACH) this.close()
    const child = (this.#child ??= await this.#start())
    this.#loads++
    child.send({ path })
    const answer = await answerOf<Loaded>(child, HUNG_MS)
    if (typeof answer !== 'string') return answer
    this.close()
    return { kind: 'died', cause: LAST_WORDS.exec(this.#output)?.[0] ?? answer }
  }

  close(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
    this.#loads = 0
  }

  async #start(): Promise<ChildProcess> {
    this.#output = ''
    const child = fork(CHILD, [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { ...process.env, GGML_NO_BACKTRACE: '1' },
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-KEPT_OUTPUT)
    })
    child.send({ addon: chosenOf(await chooseAddon()) })
    const ready = await answerOf(child, START_MS)
    if (typeof ready === 'string') throw new Error(`the loader did not start: ${ready}`)
    return child
  }
}

/** What a process says next; as text, how it ended instead. */
async function answerOf<Answer>(child: ChildProcess, mostMs: number): Promise<Answer | string> {
  const done = new AbortController()
  const { signal } = done
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message as Answer),
      once(child, 'close', { signal }).then(([code, killed]) =>
        killed === null ? `exit code ${code}` : `signal ${killed}`,
      ),
      hung(mostMs, signal),
    ])
  } finally {
    done.abort()
  }
}

async function hung(mostMs: number, signal: AbortSignal): Promise<string> {
  await sleep(mostMs, undefined, { signal })
  return `no answer in ${mostMs / 1000} s`
}
