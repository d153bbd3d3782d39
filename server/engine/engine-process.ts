/**
 * The engine process: loads the model and decodes for its parent over IPC. Native code may abort where
 * no `catch` can help; then this process dies and the server lives. It ends with its parent.
 */
import { once } from 'node:events'
import { KitError } from '../../catalog/errors.ts'
import type { EngineCaches } from './engine-caches.ts'
import { loadModel } from './load-model.ts'
import type { FromEngine, StartEngine } from './protocol.ts'

function send(message: FromEngine): void {
  if (process.connected) process.send?.(message)
}

async function main(): Promise<void> {
  let caches: EngineCaches | undefined = undefined
  process.on('disconnect', () => void leave(caches))
  process.on('SIGTERM', () => undefined)
  process.on('SIGINT', () => undefined)
  const [{ options, addon }] = (await once(process, 'message')) as [StartEngine]
  const loaded = await loadModel(options, addon, () => void import('./engine-service.ts'))
  const { serveEngine } = await import('./engine-service.ts')
  await serveEngine({ options, loaded, send, opened: (all) => (caches = all) })
}

/** Users' text does not stay in memory that outlives the process. */
async function leave(caches: EngineCaches | undefined): Promise<void> {
  await caches?.memory?.close()
  process.exit(0)
}

main().catch((error: unknown) => {
  const known = error instanceof KitError
  send({
    kind: 'failed',
    code: known ? error.code : 'LOAD_FAILED',
    // Not the message of others: it might quote a prompt.
    message: known ? error.message.slice(0, 500) : error instanceof Error ? error.name : 'unknown',
  })
  // Leaves time for the message; a normal return would wait for native handles.
  setTimeout(() => process.exit(1), 50)
})
