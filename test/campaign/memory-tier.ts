import { rmSync } from 'node:fs'
import type { EngineOptions } from '../../server/engine/protocol.ts'
import { memoryFolder } from '../../server/memory-folder.ts'

export interface MemoryTier {
  options: NonNullable<EngineOptions['prefixMemory']>
  remove: () => void
}

/** A fresh folder in memory for an engine's RAM tier; it ends with this process at the latest. */
export function memoryTier(bytes: number): MemoryTier {
  const folder = memoryFolder(bytes)
  if (folder === undefined) throw new Error(`/dev/shm has no room for ${bytes} bytes of prefixes`)
  return { options: { folder, bytes }, remove: () => rmSync(folder, { recursive: true }) }
}
