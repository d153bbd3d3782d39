/** A process that loads files with the engine's native code, as the engine does, and decodes a few tokens. */
import { once } from 'node:events'
import { leaveMemoryOutOfCoreDumps } from '../../../server/core-dumps.ts'
import { loadBindings } from '../../../server/engine/bindings.ts'
import type { Bindings, NativeModel } from '../../../server/engine/native.ts'
import type { LoadFile, Loaded, StartLoader } from './loader-protocol.ts'

const CONTEXT = 64
/** Letters that no small vocabulary has as words. */
const PROMPT = 'the ก ﷽ \n 1'
const TOKENS = 8

async function main(): Promise<void> {
  leaveMemoryOutOfCoreDumps()
  process.on('disconnect', () => process.exit(0))
  const [{ addon }] = (await once(process, 'message')) as [StartLoader]
  const { bindings } = await loadBindings({ gpu: false, threads: 1 }, addon)
  process.on('message', ({ path }: LoadFile) => {
    void load(bindings, path).then((loaded) => process.send?.(loaded))
  })
  process.send?.({ kind: 'ready' })
}

async function load(bindings: Bindings, path: string): Promise<Loaded> {
  const model = new bindings.AddonModel(path, {
    ...{ addonExports: bindings, gpuLayers: 0, useMmap: true },
  })
  try {
    if (!(await model.init().catch(() => false))) return { kind: 'not loaded' }
    return await decode(bindings, model)
  } finally {
    await (model as unknown as { dispose: () => Promise<void> }).dispose()
  }
}

async function decode(bindings: Bindings, model: NativeModel): Promise<Loaded> {
  const tokens = model.tokenize(PROMPT, true).slice(0, TOKENS)
  model.detokenize(tokens, true)
  const context = new bindings.AddonContext(model, {
    // Every token of an embedding model is an output.
    ...{ contextSize: CONTEXT, batchSize: CONTEXT, outputsMax: CONTEXT, sequences: 1 },
    ...{ threads: 1, flashAttention: 'auto', swaFullCache: true },
  })
  if (!(await context.init().catch(() => false))) return { kind: 'not decoded', step: 'context' }
  try {
    const prompt = tokens.length === 0 ? Uint32Array.of(0) : tokens
    context.initBatch(prompt.length)
    const logits = Uint32Array.of(prompt.length - 1)
    const [row = 0] = context.addToBatch(0, 0, prompt, logits)
    await context.decodeBatch()
    const sampler = new bindings.AddonSampler(model)
    sampler.applyConfig({ temperature: 0, topP: 1, topK: 1, seed: 1 })
    await context.sampleToken(row, sampler)
    return { kind: 'decoded' }
  } catch {
    return { kind: 'not decoded', step: 'decode' }
  } finally {
    await context.dispose()
  }
}

void main()
