import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { BASE_MODELS, knownFile } from '../../catalog/models/index.ts'
import { chooseAddon } from '../../server/engine/addon.ts'
import { EngineClient } from '../../server/engine/engine-client.ts'
import type { GenerateRequest } from '../../server/engine/engine.ts'
import type { EngineOptions } from '../../server/engine/protocol.ts'
import { type ModelName, MODELS } from '../bench/engine/options.ts'
import { weightsOf } from '../helpers/real-role.ts'
import { until } from '../helpers/roles.ts'

export interface Said {
  text: string
  tokens: number
  cachedTokens: number
  finish: string | undefined
}

export interface OpenEngine {
  client: EngineClient
  loadMs: number
  ask: (prompt: readonly number[], more?: Partial<GenerateRequest>) => Promise<Said>
  /** Milliseconds of its steps by their rows; undefined: it did not measure them. */
  stepsMs: () => Promise<number[] | undefined>
  close: () => Promise<void>
}

/** Nothing is refused: a campaign is about answers, not about load. */
const PATIENT = { maxQueued: 100_000, firstTokenMs: 86_400_000, interTokenMs: 100 }
/** Of an engine, unless a campaign says otherwise. */
export const SLOTS = 16
const READY_MS = 120_000
/** In the state folder. */
export const MEASURED = 'cost-table.json'
const MeasuredSchema = z.object({ ms: z.array(z.number()) })

export async function engineOptions(
  model: ModelName,
  more: Partial<EngineOptions>,
): Promise<EngineOptions> {
  const id = MODELS[model]
  const { sha256: digest, bytes } = knownFile(BASE_MODELS[id]!)
  const threads = availableParallelism()
  return {
    ...{ file: await weightsOf(id), digest, bytes, threads, gpu: false },
    ...{ contextSize: 512, slots: SLOTS },
    ...PATIENT,
    ...more,
  }
}

/** The engine as the model role runs it, without HTTP; ready, and its steps are measured. */
export async function openEngine(
  model: ModelName,
  more: Partial<EngineOptions> = {},
): Promise<OpenEngine> {
  const began = performance.now()
  const own = await mkdtemp(join(tmpdir(), 'serantau-campaign-'))
  const { stateFolder = own } = more
  let addon: string | undefined
  const client = new EngineClient({
    engine: await engineOptions(model, { stateFolder, ...more }),
    report: (event) => (addon = event.event === 'engine_ready' ? event.addon : addon),
  })
  const close = async () => {
    await client.close()
    await rm(own, { recursive: true, force: true })
  }
  try {
    await until(() => client.status().state === 'ready', 'engine ready', READY_MS)
    const loadMs = performance.now() - began
    // What is measured and proved is said of the engine that was chosen.
    if (addon === 'prebuilt' && (await chooseAddon()).kind !== 'prebuilt') {
      throw new Error('the compiled engine is there, but the prebuilt one was loaded')
    }
    if (more.shaping !== false) {
      await until(() => existsSync(join(stateFolder, MEASURED)), 'steps measured', READY_MS)
    }
    const ask: OpenEngine['ask'] = (prompt, request) => collect(client, prompt, request)
    const stepsMs = () => measuredIn(stateFolder)
    return { client, loadMs, ask, stepsMs, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function measuredIn(stateFolder: string): Promise<number[] | undefined> {
  const text = await readFile(join(stateFolder, MEASURED), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : MeasuredSchema.parse(JSON.parse(text)).ms
}

export const requestOf = (
  prompt: readonly number[],
  more: Partial<GenerateRequest> = {},
): GenerateRequest => ({
  ...{ prompt, maxTokens: 64, temperature: 0, topP: 1, stop: [], ignoreEos: false },
  ...{ tenant: 'campaign', adapter: 'none', priority: 'normal' as const },
  ...more,
})

async function collect(
  client: EngineClient,
  prompt: readonly number[],
  more: Partial<GenerateRequest> = {},
): Promise<Said> {
  const said: Said = { text: '', tokens: 0, cachedTokens: 0, finish: undefined }
  const pieces = client.generate(requestOf(prompt, more), new AbortController().signal)
  for await (const { text, tokens, cachedTokens, finish } of pieces) {
    said.text += text
    said.tokens += tokens
    said.cachedTokens += cachedTokens ?? 0
    said.finish = finish
  }
  return said
}

/** `width` at a time; results in the order of `items`. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  width: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index]!, index)
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}
