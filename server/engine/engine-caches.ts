/** What the engine keeps beyond its slots: opened before it is ready, each part done without when it fails. */
import { rm } from 'node:fs/promises'
import { systemBoundaryOf } from './boundary.ts'
import type { CostTable } from './cost-table.ts'
import { readCostTable, writeCostTable } from './cost-table-file.ts'
import type { CostKey } from './cost-table-file.ts'
import { ownQuota } from './cpu-quota.ts'
import type { DecodeContext } from './decode-context.ts'
import { ListedPrompts } from './listed-prompts.ts'
import type { LoadedModel } from './load-model.ts'
import type { EngineOptions } from './protocol.ts'
import { SavedPrefixes } from './saved-prefixes.ts'
import { forgetSystemPrompts, SavedSystemPrompts } from './saved-system-prompts.ts'
import { measureStateBytes } from './state-bytes.ts'
import type { StateFiles } from './state-folder.ts'
import type { StateMaker, SystemPrompt } from './system-prompt-header.ts'
import { systemPromptTokens } from './system-prompt-tokens.ts'
import type { Tokenizers, UnusedCause } from './system-prompt-tokens.ts'
import type { EngineWarning } from './warning.ts'

/** Shorter prefixes are evaluated again by whoever asks: see Residents. */
const LEAST_PROMPT = 16
const NO_ADAPTER = 'none'
/** Changes whenever the context's keys and values, or the rendering of prompts, do. */
const contextOf = ({ cacheType = 'f16' }: EngineOptions) =>
  `${cacheType}, flash attention ${cacheType === 'f16' ? 'auto' : 'on'}, full sliding window, 1`

export interface EngineCaches {
  memory: SavedPrefixes | undefined
  listed: ListedPrompts | undefined
  costTable: CostTable | undefined
  keepCostTable: (table: CostTable) => void
  untilSlotsAreFree: () => Promise<void>
}

export interface CacheOptions {
  options: EngineOptions
  loaded: LoadedModel
  tokenizers: Tokenizers
  /** false: nothing is kept but the cost table. */
  on: boolean
  warn: (warning: EngineWarning) => void
}

export async function openCaches(given: CacheOptions): Promise<EngineCaches> {
  const { options, loaded, warn, on } = given
  const { build, host } = makerOf(given)
  const { digest: model, threads, slots, contextSize, stateFolder } = options
  const cores = ownQuota() ?? null
  const { cacheType = 'f16' } = options
  // A quantized cache has step costs of its own.
  const made = cacheType === 'f16' ? build : `${build}, cache ${cacheType}`
  const key: CostKey = { model, build: made, host, threads, cores, slots, contextSize }
  const slotFiles = new SlotFiles(loaded.context)
  const memory = on ? await openMemory(given, slotFiles) : undefined
  const volume = on ? await openVolume(given, slotFiles) : undefined
  const usable = stateFolder !== undefined && volume?.on !== false
  return {
    memory,
    listed: on ? await listPrompts(given, volume) : undefined,
    costTable: usable ? await readCostTable(stateFolder, key, warn) : undefined,
    keepCostTable: (table) => {
      if (usable) void writeCostTable(stateFolder, key, table, warn)
    },
    untilSlotsAreFree: () => slotFiles.idle(),
  }
}

async function openMemory({ options, loaded, warn }: CacheOptions, files: SlotFiles) {
  const { prefixMemory } = options
  if (prefixMemory === undefined) return undefined
  const { folder } = prefixMemory
  const { slidingWindow, context, vocabulary } = loaded
  const bytesFor = await measureStateBytes(context, vocabulary.start, folder).catch(() => undefined)
  return await SavedPrefixes.open({
    ...{ folder, files, slidingWindow, warn, maxBytes: prefixMemory.bytes },
    // A folder that could not be written to is told by the tier, which tries it too.
    bytesFor: bytesFor ?? (() => Infinity),
  })
}

async function openVolume(given: CacheOptions, files: SlotFiles) {
  const { options, warn } = given
  const { stateFolder: folder, systemPrompts = [] } = options
  if (folder === undefined) return undefined
  if (systemPrompts.length > 0) {
    return await SavedSystemPrompts.open({ folder, maker: makerOf(given), files, warn })
  }
  await forgetSystemPrompts(folder)
  return undefined
}

async function listPrompts(
  { options, loaded, tokenizers, warn }: CacheOptions,
  volume: SavedSystemPrompts | undefined,
): Promise<ListedPrompts | undefined> {
  const texts = options.systemPrompts ?? []
  if (texts.length === 0) return undefined
  const bounds = { least: LEAST_PROMPT, most: options.contextSize - 1 }
  const prompts: SystemPrompt[] = []
  const causes: Partial<Record<UnusedCause, number>> = {}
  for (const text of texts) {
    const tokens = systemPromptTokens(text, tokenizers, bounds)
    if (typeof tokens === 'string') causes[tokens] = (causes[tokens] ?? 0) + 1
    else prompts.push({ adapter: NO_ADAPTER, tokens })
  }
  if (prompts.length < texts.length) warn({ event: 'system_prompts_unused', causes })
  await volume?.keepOnly(prompts)
  const boundary = systemBoundaryOf({ modelDigest: options.digest, adapterDigest: NO_ADAPTER })
  return new ListedPrompts({ prompts, boundary, volume, slidingWindow: loaded.slidingWindow })
}

const makerOf = ({ options, loaded }: CacheOptions): StateMaker => ({
  model: options.digest,
  build: loaded.build,
  host: loaded.host,
  context: contextOf(options),
})

/** Files of slots. Native code reads or writes one slot at a time, and no decode may run meanwhile. */
class SlotFiles implements StateFiles {
  readonly #context: DecodeContext
  #busy: Promise<unknown> = Promise.resolve()

  constructor(context: DecodeContext) {
    this.#context = context
  }

  save(slot: number, path: string): Promise<number> {
    return this.#note(this.#context.save(slot, path))
  }

  load(slot: number, path: string): Promise<number> {
    return this.#note(this.#context.load(slot, path))
  }

  async remove(path: string): Promise<void> {
    await rm(path, { force: true })
  }

  /** Resolves when what was begun is over, well or not. */
  async idle(): Promise<void> {
    await this.#busy
  }

  #note<T>(work: Promise<T>): Promise<T> {
    this.#busy = work.catch(() => undefined)
    return work
  }
}
