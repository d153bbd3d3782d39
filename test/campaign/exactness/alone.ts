import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { EngineOptions } from '../../../server/engine/protocol.ts'
import type { AloneTask } from './decode-alone.ts'
import type { Alone } from './judge.ts'

export interface AloneDecoder {
  decode: (task: AloneTask) => Promise<Alone>
  close: () => Promise<void>
}

/** Starts the process that decodes alone; one task at a time. */
export async function openAlone(options: EngineOptions): Promise<AloneDecoder> {
  const child = fork(join(import.meta.dirname, 'decode-alone.ts'), [JSON.stringify(options)], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`decoding alone: the process ended with ${code}`)
  })
  exited.catch(() => undefined)
  const answer = async () => {
    const [message] = await Promise.race([once(child, 'message'), exited])
    return message as unknown
  }
  await answer()
  return {
    decode: async (task) => {
      child.send(task)
      return (await answer()) as Alone
    },
    close: async () => {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}
