import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ModelConfigSchema } from '../../../catalog/serving-config.ts'
import type { Engine } from '../../../server/engine/engine.ts'
import { createLogger } from '../../../server/logger.ts'
import { createModelApp } from '../../../server/model/app.ts'
import { KeyStore } from '../../../server/plugins/keys.ts'
import { Lifecycle } from '../../../server/plugins/lifecycle.ts'
import { Metrics } from '../../../server/plugins/metrics.ts'
import { type OpenEngine, openEngine, requestOf } from '../../campaign/open-engine.ts'
import { modelConfig } from '../../helpers/real-role.ts'
import { API_KEY, writeKeys } from '../../helpers/roles.ts'
import type { Target } from './client.ts'
import { type EngineTask, pidsOf } from './engine-task.ts'
import { type Figures, closedLoop, summarise } from './load.ts'
import { MODELS } from './options.ts'
import type { Prompts } from './prompts.ts'
import { recorded } from './recorded.ts'
import { hopPrompt } from './workloads/hop.ts'
import { inTurn } from './workloads/in-turn.ts'
import { ANSWER, CONTEXT, STREAMS } from './workloads/wire.ts'
import type { Cases } from './workloads/workload.ts'

/** A stream's of each turn. */
const REQUESTS = 3
/** A stream's before anything is measured: V8 has compiled what a server in service runs. */
const BEFORE = 100
const ORDER = ['engine', 'api', 'api', 'engine', 'engine', 'api'] as const
type Way = (typeof ORDER)[number]

interface Site {
  engine: OpenEngine
  api: Api
  prompts: Prompts
  seed: number
}

/**
 * The same engine asked directly and through the API, in turn. The API and its client run in the process that
 * asks directly, so that both ways hear the engine in the same one: HTTP and the client's own reading count as API.
 */
export async function wireCost({ model, prompts, seed, threads }: EngineTask): Promise<Cases> {
  const sizes = { contextSize: CONTEXT, slots: STREAMS, threads, drafts: false }
  const engine = await openEngine(model, sizes)
  const api = await openApi(MODELS[model], engine.client)
  const site: Site = { engine, api, prompts, seed }
  try {
    await closedLoop(api.target, STREAMS, BEFORE, (stream, turn) => ({
      prompt: prompts.prompt(`wire before ${stream} ${turn}`, 4),
      maxTokens: 1,
    }))
    return await inTurn(ORDER, (way, turn) => recorded(pidsOf(engine), () => ask[way](site, turn)))
  } finally {
    await api.close()
    await engine.close()
  }
}

const ask: Record<Way, (site: Site, turn: number) => Promise<Figures>> = {
  api: async ({ api, ...site }, turn) =>
    summarise(
      await closedLoop(api.target, STREAMS, REQUESTS, (stream, request) => ({
        prompt: promptOf(site, { stream, request, turn }),
        maxTokens: ANSWER,
      })),
    ),
  engine: async ({ engine, ...site }, turn) => {
    const began = performance.now()
    const each = await Promise.all(
      Array.from({ length: STREAMS }, async (_, stream) => {
        let tokens = 0
        for (let request = 0; request < REQUESTS; request++) {
          const prompt = promptOf(site, { stream, request, turn })
          tokens += await tokensOf(engine, prompt)
        }
        return tokens
      }),
    )
    const tokens = each.reduce((sum, count) => sum + count, 0)
    return { tokensPerSecond: (tokens / (performance.now() - began)) * 1000 }
  },
}

const promptOf = (
  { prompts, seed }: Pick<Site, 'prompts' | 'seed'>,
  { stream, request, turn }: { stream: number; request: number; turn: number },
): number[] => hopPrompt(prompts, `wire ${seed} ${stream} ${request}`, turn)

async function tokensOf({ client }: OpenEngine, prompt: readonly number[]): Promise<number> {
  let count = 0
  const wanted = requestOf(prompt, { maxTokens: ANSWER, ignoreEos: true })
  for await (const { tokens } of client.generate(wanted, new AbortController().signal)) {
    count += tokens
  }
  return count
}

interface Api {
  target: Target
  close: () => Promise<void>
}

/** The model role's API, as it is served, over an engine that is there already. */
async function openApi(id: string, engine: Engine): Promise<Api> {
  const folder = mkdtempSync(join(tmpdir(), 'serantau-wire-'))
  const keysFile = join(folder, 'keys.json')
  writeKeys(keysFile, [{ name: 'bench', key: API_KEY }])
  const sizes = { contextSize: CONTEXT, slots: STREAMS }
  const config = ModelConfigSchema.parse(modelConfig(id, '/none.gguf', sizes))
  const keys = new KeyStore(keysFile, () => undefined)
  const logger = createLogger('model', { write: () => undefined })
  const roles = { metrics: new Metrics(), lifecycle: new Lifecycle() }
  const app = createModelApp({ config, engine, keys, logger, ...roles })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    target: { port: (app.server.address() as AddressInfo).port, key: API_KEY, model: id },
    close: async () => {
      keys.close()
      app.server.closeAllConnections()
      await app.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
