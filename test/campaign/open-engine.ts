import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { BASE_MODELS } from '../../catalog/models/index.ts'
import { EngineClient } from '../../server/engine/engine-client.ts'
import type { GenerateRequest } from '../../server/engine/engine.ts'
import type { EngineOptions } from '../../server/engine/protocol.ts'
import { type ModelName, MODELS } from '../bench/engine/options.ts'
import { armSeconds } from '../bench/engine/processes.ts'
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
  close: () => Promise<void>
}

/** Nothing is refused: a campaign is about answers, not about load. */
const PATIENT = { maxQueued: 100_000, firstTokenMs: 86_400_000, interTokenMs: 100 }
const READY_MS = 120_000
const POLL_MS = 300
/** Share of a core below which nothing is calibrated any more. */
const IDLE_SHARE = 0.1

export async function engineOptions(
  model: ModelName,
  more: Partial<EngineOptions>,
): Promise<EngineOptions> {
  const id = MODELS[model]
  const { sha256: digest, bytes } = BASE_MODELS[id]!.files[0]!
  const threads = availableParallelism()
  return {
    ...{ file: await weightsOf(id), digest, bytes, threads, gpu: false },
    ...{ contextSize: 512, slots: 16 },
    ...PATIENT,
    ...more,
  }
}

/** The engine as the model role runs it, without HTTP; ready and calibrated. */
export async function openEngine(
  model: ModelName,
  more: Partial<EngineOptions> = {},
): Promise<OpenEngine> {
  const began = performance.now()
  const client = new EngineClient({
    engine: await engineOptions(model, more),
    report: () => undefined,
  })
  try {
    await until(() => client.status().state === 'ready', 'engine ready', READY_MS)
    const loadMs = performance.now() - began
    await untilIdle(client.pid ?? 0)
    const ask: OpenEngine['ask'] = (prompt, request) => collect(client, prompt, request)
    return { client, loadMs, ask, close: () => client.close() }
  } catch (error) {
    await client.close()
    throw error
  }
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

/** Steps are calibrated while nothing else is to do: shaping begins when that is over. */
async function untilIdle(pid: number): Promise<void> {
  for (let before = await armSeconds([pid]); ;) {
    await sleep(POLL_MS)
    const now = await armSeconds([pid])
    if ((now - before) * 1000 < POLL_MS * IDLE_SHARE) return
    before = now
  }
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
