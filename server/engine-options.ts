import { bytesOf } from '../catalog/quantity.ts'
import type { ModelConfig } from '../catalog/serving-config.ts'
import { engineThreads } from './engine/cpu-quota.ts'
import type { EngineOptions } from './engine/protocol.ts'

/** Of the memory volume of prefixes. */
const PREFIX_SHARE = 0.95

/** What the engine process needs of the serving config. */
export function engineOptions({ model, state, prefixCache }: ModelConfig): EngineOptions {
  return {
    file: model.file,
    ...(model.bytes === undefined ? {} : { bytes: model.bytes }),
    contextSize: model.contextSize,
    slots: model.slots,
    cacheType: model.cacheType,
    threads: engineThreads(),
    gpu: model.gpu ?? false,
    digest: model.digest,
    maxQueued: model.maxQueued,
    firstTokenMs: model.firstTokenMs,
    interTokenMs: model.interTokenMs,
    systemPrompts: model.systemPrompts,
    ...(state === undefined ? {} : { stateFolder: state.folder }),
    ...(prefixCache === undefined ? {} : { prefixMemory: prefixMemory(prefixCache) }),
  }
}

/** A file on a file system takes more than its bytes. */
const prefixMemory = ({ folder, memory }: NonNullable<ModelConfig['prefixCache']>) => ({
  folder,
  bytes: Math.floor(bytesOf(memory) * PREFIX_SHARE),
})
