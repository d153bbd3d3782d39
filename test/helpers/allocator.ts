import type { ChosenAddon } from '../../server/engine/protocol.ts'
import { GGML_TYPES } from '../../server/engine/native.ts'
import { loadBindings } from '../../server/engine/bindings.ts'
import type { Layout } from '../../infra/nodes/memory.ts'
import { batchOf } from '../../infra/nodes/memory.ts'

export interface AllocatedModel {
  /** Of its tensors. */
  weightBytes: number
  /** Cache and compute buffers of a context that serves so. */
  contextBytes: (layout: Layout) => Promise<number>
  dispose: () => Promise<void>
}

export interface Allocator {
  /** `allocate` false: llama.cpp plans its memory, and reads no weights. */
  load: (file: string, options: { allocate: boolean }) => Promise<AllocatedModel>
}

/** What is used of the addon here; the engine itself asks for none of it. */
interface Measured {
  init: () => Promise<boolean>
  dispose: () => Promise<void>
  getMemoryBreakdown: () => { cpuRam: number; gpuVram: number }
}
interface Addon {
  AddonModel: new (path: string, options: object) => Measured
  AddonContext: new (model: Measured, options: object) => Measured
}

/** The compiled addon, asked how much memory it takes. */
export async function allocator(): Promise<Allocator> {
  const addon: ChosenAddon = { compiled: true, key: 'planner' }
  const { bindings } = await loadBindings({ gpu: false, threads: 2 }, addon)
  const { AddonModel, AddonContext } = bindings as unknown as Addon
  return {
    load: async (file, { allocate }) => {
      const options = { addonExports: bindings, gpuLayers: 0, useMmap: true, noAlloc: !allocate }
      const model = new AddonModel(file, options)
      if (!(await model.init())) throw new Error(`llama.cpp does not load ${file}`)
      return {
        weightBytes: model.getMemoryBreakdown().cpuRam,
        contextBytes: async (layout) => {
          const context = new AddonContext(model, contextOptions(layout))
          if (!(await context.init())) throw new Error('llama.cpp makes no such context')
          const { cpuRam } = context.getMemoryBreakdown()
          await context.dispose()
          return cpuRam
        },
        dispose: () => model.dispose(),
      }
    },
  }
}

/** As server/engine/load-model.ts has them. */
const contextOptions = (layout: Layout) => ({
  contextSize: layout.slots * layout.contextSize,
  batchSize: batchOf(layout),
  outputsMax: layout.slots,
  sequences: layout.slots,
  flashAttention: 'auto',
  threads: 2,
  swaFullCache: true,
  kvCacheKeyType: GGML_TYPES[layout.cacheType],
  kvCacheValueType: GGML_TYPES[layout.cacheType],
})
