/** What the engine process does once its model is loaded: tokenizes at once, decodes in turn. */
import { Calibration } from './calibration.ts'
import { Drafts } from './drafts.ts'
import { openCaches } from './engine-caches.ts'
import type { EngineCaches } from './engine-caches.ts'
import type { LoadedModel } from './load-model.ts'
import type { CacheStats, GenerateRequest, ModelDescription } from './engine.ts'
import type { Answer, EngineOptions, FromEngine, ToEngine } from './protocol.ts'
import type { Grammars } from './grammars.ts'
import { SchemaError } from './grammar/schema-error.ts'
import type { SavedPrefixes } from './saved-prefixes.ts'
import { selfTest } from './self-test.ts'
import { StepEngine } from './step-engine.ts'
import { tokenizersOf, tokensFor } from './tokenizers.ts'
import type { ModelTokenizers } from './tokenizers.ts'
import type { EngineWarning } from './warning.ts'

class EngineService {
  readonly #engine: StepEngine
  readonly #tokenizers: ModelTokenizers
  readonly #grammars: Pick<Grammars, 'stateFor'>
  readonly #send: (message: FromEngine) => void

  constructor(
    engine: StepEngine,
    tokenizers: ModelTokenizers,
    grammars: Pick<Grammars, 'stateFor'>,
    send: (message: FromEngine) => void,
  ) {
    this.#send = send
    this.#engine = engine
    this.#tokenizers = tokenizers
    this.#grammars = grammars
  }

  handle(message: ToEngine): void {
    if (message.kind === 'cancel') this.#engine.cancel(message.id)
    else if (message.kind === 'probe') this.#engine.probe(message.id)
    else if (message.kind === 'generate') this.#generate(message.id, message.request)
    else if (message.kind === 'embed') this.#answer(refusedVector(message.id))
    else this.#answer(tokensFor(message, this.#tokenizers))
  }

  #answer(answer: Answer): void {
    this.#send({ kind: 'tokens', answer })
  }

  /** Refuses what no sampler could be set to before it waits in line. */
  #generate(id: number, request: GenerateRequest): void {
    const { size } = this.#tokenizers
    if (request.logitBias?.some(([token]) => token >= size)) {
      return this.#answer({ id, kind: 'error', code: 'invalid_bias', message: 'invalid_bias' })
    }
    try {
      const grammar = request.parts && this.#grammars.stateFor(request.parts)
      this.#engine.submit(id, request, grammar)
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error
      const message = `${error.pointer === '' ? 'the schema' : error.pointer}: ${error.message}`
      this.#answer({ id, kind: 'error', code: 'schema_refused', message })
    }
  }
}

/** Steps are measured when nobody has asked for so long. */
const QUIET_MS = 1000

export interface ServeOptions {
  options: EngineOptions
  loaded: LoadedModel
  send: (message: FromEngine) => void
  /** Called with what must be closed before the process ends. */
  opened: (caches: EngineCaches) => void
}

/** Says `ready` when real tokens were decoded, as they should be. Never ends. */
export async function serveEngine({ options, loaded, send, opened }: ServeOptions): Promise<never> {
  const { context, vocabulary, slidingWindow, threads } = loaded
  const { canTruncate } = await selfTest(context, vocabulary)
  const shaping = (options.shaping ?? true) && canTruncate
  const prefixCache = options.prefixCache ?? true
  const warn = (warning: EngineWarning) => send({ kind: 'warning', warning })
  const tokenizers = tokenizersOf(loaded, options, warn)
  const on = prefixCache && canTruncate
  const caches = await openCaches({ options, loaded, tokenizers, on, warn })
  opened(caches)
  const { memory, listed, costTable, untilSlotsAreFree } = caches
  const calibration = new Calibration({
    ...{ context, token: vocabulary.start, on: shaping, done: caches.keepCostTable },
    quietMs: QUIET_MS,
    undisturbed: () => threads?.undisturbed ?? true,
    ...(costTable === undefined ? {} : { known: costTable }),
    lengthOf: (slot) => context.lengthOf(slot),
  })
  const engine: StepEngine = new StepEngine({
    ...{ context, vocabulary, canTruncate, calibration, shaping, prefixCache },
    drafts: (options.drafts ?? true) ? () => new Drafts() : undefined,
    ...{ digest: options.digest, maxQueued: options.maxQueued },
    ...{ firstTokenMs: options.firstTokenMs, interTokenMs: options.interTokenMs },
    ...{ saved: memory, listed, slidingWindow, untilSlotsAreFree },
    report: (round) => {
      const used = threads?.used ?? options.threads
      send({ kind: 'round', ...round, threads: used, cache: statsOf(engine, memory) })
    },
  })
  await engine.warmUp()
  const service = new EngineService(engine, tokenizers, loaded.grammars, send)
  process.on('message', (message) => service.handle(message as ToEngine))
  const { compiled, untouchedBytes } = loaded
  send({ kind: 'ready', compiled, untouchedBytes, model: descriptionOf(loaded) })
  return await engine.run()
}

/** A model that answers makes no vectors. */
const refusedVector = (id: number): Answer => ({
  ...{ id, kind: 'error', code: 'no_embeddings', message: 'no_embeddings' },
})

const descriptionOf = ({ chatTemplate, vocabulary }: LoadedModel): ModelDescription => ({
  ...{ chatTemplate, vocabularySize: vocabulary.size, embeddingSize: undefined },
  ...{ bosText: vocabulary.bosText, eosText: vocabulary.eosText },
})

const statsOf = (engine: StepEngine, memory: SavedPrefixes | undefined): CacheStats => ({
  tokens: { ...engine.cacheHits },
  ...(memory?.stats() ?? { entries: 0, bytes: 0 }),
})
