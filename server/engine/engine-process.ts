/**
 * The engine process: loads the model and decodes for its parent over IPC. Native code may abort where
 * no `catch` can help; then this process dies and the server lives. It ends with its parent.
 */
import { once } from 'node:events'
import { leaveMemoryOutOfCoreDumps } from '../core-dumps.ts'
import { KitError } from '../../catalog/errors.ts'
import type { EngineCaches } from './engine-caches.ts'
import { loadFile } from './load-model.ts'
import type { FromEngine, StartEngine, UseAddon } from './protocol.ts'

function send(message: FromEngine): void {
  if (process.connected) process.send?.(message)
}

/** Fixed texts of native code, which quote nothing of a client. */
const NATIVE =
  /^(Eval has failed|Failed to sample|could not find a KV slot.*|There are no logits.*)$/
let ready = false

async function main(): Promise<void> {
  leaveMemoryOutOfCoreDumps()
  let caches: EngineCaches | undefined = undefined
  process.on('disconnect', () => void leave(caches))
  process.on('SIGTERM', () => undefined)
  process.on('SIGINT', () => undefined)
  const [{ options }] = (await once(process, 'message')) as [StartEngine]
  const addon = once(process, 'message').then(([message]) => (message as UseAddon).addon)
  const { prefixMemory } = options
  // Also of users whose engine was killed and whose successor cannot load the model.
  const forgotten =
    prefixMemory &&
    import('./saved-prefixes.ts').then(({ SavedPrefixes }) =>
      SavedPrefixes.forget(prefixMemory.folder),
    )
  const loaded = await loadFile(options, addon, () => void import('./engine-service.ts'))
  const { serveEngine } = await import('./engine-service.ts')
  await forgotten
  const tell = (message: FromEngine) => {
    ready ||= message.kind === 'ready'
    send(message)
  }
  if (loaded.kind === 'vectors') {
    const { serveEmbeddings } = await import('./embedding-service.ts')
    await serveEmbeddings({ options, loaded, send: tell })
  } else await serveEngine({ options, loaded, send: tell, opened: (all) => (caches = all) })
}

/** Users' text does not stay in memory that outlives the process. */
async function leave(caches: EngineCaches | undefined): Promise<void> {
  await caches?.memory?.close()
  process.exit(0)
}

main().catch((error: unknown) => {
  const code = error instanceof KitError ? error.code : ready ? 'DECODE_FAILED' : 'LOAD_FAILED'
  send({ kind: 'failed', code, message: messageOf(error) })
  // Leaves time for the message; a normal return would wait for native handles.
  setTimeout(() => process.exit(1), 50)
})

/** Not the message of any error: it might quote a prompt. */
function messageOf(error: unknown): string {
  if (error instanceof KitError) return error.message.slice(0, 500)
  if (!(error instanceof Error)) return 'unknown'
  return NATIVE.test(error.message) ? error.message : error.name
}
