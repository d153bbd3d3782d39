import { getLlama, GgufInsights, LlamaLogLevel, readGgufFileInfo } from 'node-llama-cpp'
import type { CacheType } from '../../catalog/cache-type.ts'
import { bytesOfMemory, memoryOf, type Layout } from '../../infra/nodes/memory.ts'
import { processBytes } from '../../infra/nodes/overhead.ts'
import { findModel } from '../../infra/nodes/planned-model.ts'
import { MODELS } from '../bench/engine/options.ts'
import { memoryMiB } from '../bench/engine/processes.ts'
import { GGML_TYPES } from '../../server/engine/native.ts'
import { allocator, type Allocator } from '../helpers/allocator.ts'
import { modelConfig, startRole, untilReady, weightsOf } from '../helpers/real-role.ts'
import { until } from '../helpers/roles.ts'
import type { Outcome, Settings } from './campaign.ts'

const CONTEXTS = [256, 1024, 2048, 8192]
const SLOTS = [1, 2, 4, 8, 16]
const BATCHES = [128, 512]
const CACHE_TYPES: CacheType[] = ['f16', 'q8_0', 'q4_0']
/** Promised, parts of one. */
const MOST = { compute: 0.1, all: 0.05, processes: 0.05 }
const MEBIBYTE = 2 ** 20

interface Errors {
  compute: number[]
  all: number[]
  /** Of node-llama-cpp's own estimate of cache and compute. */
  estimator: number[]
  processes: number[]
}

/** The plan against what is allocated, and for some layouts against the memory of the processes that serve. */
export async function planner({ model, size, say }: Settings): Promise<Outcome> {
  const id = MODELS[model]
  const file = await weightsOf(id)
  const found = await findModel(file)
  const errors: Errors = { compute: [], all: [], estimator: [], processes: [] }
  const native = await allocator()
  const layouts = everyLayout().slice(0, size)
  say(`${layouts.length} layouts`)
  await compareAllocated(native, file, found.model, layouts, errors)
  const served = layouts.filter(
    ({ cacheType, batchSize }) => cacheType === 'f16' && batchSize === 512,
  )
  for (const layout of served) {
    say(`serving ${layout.slots} slots of ${layout.contextSize} tokens`)
    const planned = memoryOf(found.model.shape, found.model.weights, layout)
    const bytes = await servedBytes(id, file, layout)
    const all = bytesOfMemory(planned) + processBytes(found.model.shape, layout.slots)
    errors.processes.push(all / bytes - 1)
  }
  return outcomeOf(layouts.length, served.length, errors)
}

const everyLayout = (): Layout[] =>
  CONTEXTS.flatMap((contextSize) =>
    SLOTS.flatMap((slots) =>
      CACHE_TYPES.flatMap((cacheType) =>
        BATCHES.map((batchSize) => ({ contextSize, slots, cacheType, batchSize })),
      ),
    ),
  )

/** Cache and compute buffers of a context, by llama.cpp's own count; and what node-llama-cpp expects of them. */
async function compareAllocated(
  native: Allocator,
  file: string,
  model: { shape: Parameters<typeof memoryOf>[0]; weights: number },
  layouts: readonly Layout[],
  errors: Errors,
): Promise<void> {
  const loaded = await native.load(file, { allocate: true })
  // As planned: the packed copies count twice until those that they were made of are dropped.
  const { weightBytes } = await native.load(file, { allocate: false })
  const insights = await insightsOf(file)
  for (const layout of layouts) {
    const planned = memoryOf(model.shape, model.weights, layout)
    const actual = await loaded.contextBytes(layout)
    errors.compute.push(planned.compute / (actual - planned.cache) - 1)
    errors.all.push(bytesOfMemory(planned) / (weightBytes + actual) - 1)
    errors.estimator.push((await estimated(insights, layout)) / actual - 1)
  }
  await loaded.dispose()
}

async function insightsOf(file: string): Promise<GgufInsights> {
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.error })
  return await GgufInsights.from(await readGgufFileInfo(file), llama)
}

async function estimated(insights: GgufInsights, layout: Layout): Promise<number> {
  const { contextSize, slots, cacheType, batchSize } = layout
  const type = GGML_TYPES[cacheType]
  const { cpuRam } = await insights.estimateContextResourceRequirementsV2({
    ...{ contextSize, modelGpuLayers: 0, sequences: slots, swaFullCache: true },
    ...{ batchSize: batchSize ?? 512, flashAttention: true },
    ...{ kvCacheKeyType: type, kvCacheValueType: type },
  })
  return cpuRam
}

/** What both processes of a model role hold, and will hold when every slot is full. */
async function servedBytes(
  id: string,
  file: string,
  { contextSize, slots }: Layout,
): Promise<number> {
  const role = await startRole(modelConfig(id, file, { contextSize, slots }))
  try {
    await untilReady(role)
    // Its log may come a moment after its health.
    await until(() => role.logged().includes('engine_ready'), 'the engine in the log')
    const pids = [role.process.pid ?? 0, role.enginePid()]
    return (await memoryMiB(pids)) * MEBIBYTE + untouchedBytes(role.logged())
  } finally {
    await role.stop()
  }
}

/** As the engine told when it became ready. */
function untouchedBytes(log: string): number {
  const stated = [...log.matchAll(/"event":"engine_ready".*?"untouchedMiB":(\d+)/g)].at(-1)?.[1]
  if (stated === undefined) throw new Error('the engine does not say what it will take')
  return Number(stated) * MEBIBYTE
}

function outcomeOf(layouts: number, served: number, errors: Errors): Outcome {
  const checks = (['compute', 'all', 'processes'] as const).map((name) => ({
    name,
    largest: largest(errors[name]),
    most: MOST[name],
  }))
  return {
    figures: [
      ['layouts of context, slots, cache type and batch', `${layouts}`],
      ['compute buffers, largest error', percent(largest(errors.compute))],
      ['weights, cache and compute buffers together, largest error', percent(largest(errors.all))],
      ["node-llama-cpp's estimate of cache and compute buffers", range(errors.estimator)],
      ['layouts served by both processes', `${served}`],
      [
        'memory of the processes with every slot full, largest error',
        percent(largest(errors.processes)),
      ],
    ],
    failures: checks
      .filter(({ largest: error, most }) => error > most)
      .map(
        ({ name, largest: error, most }) => `${name}: ${percent(error)}, promised ${percent(most)}`,
      ),
  }
}

const largest = (errors: readonly number[]) => Math.max(...errors.map(Math.abs))
const percent = (part: number) => `${(100 * part).toFixed(1)} %`
const range = (errors: readonly number[]) =>
  `${percent(Math.min(...errors))} to ${percent(Math.max(...errors))}`
