/** What the engine process does once its model is loaded: tokenizes at once, decodes in turn. */
import { boundedTokenizer, TooManyTokens } from './bounded-tokenizer.ts'
import { Calibration } from './calibration.ts'
import { ChatTokens } from './chat-tokens.ts'
import { Drafts } from './drafts.ts'
import { openCaches } from './engine-caches.ts'
import type { EngineCaches } from './engine-caches.ts'
import type { LoadedModel } from './load-model.ts'
import type { CacheStats } from './engine.ts'
import type { Answer, EngineOptions, FromEngine, ToEngine } from './protocol.ts'
import type { SavedPrefixes } from './saved-prefixes.ts'
import { selfTest } from './self-test.ts'
import { StepEngine } from './step-engine.ts'
import type { Tokenizers } from './system-prompt-tokens.ts'
import type { EngineWarning } from './warning.ts'

class EngineService {
  readonly #loaded: LoadedModel
  readonly #engine: StepEngine
  readonly #tokenizers: Tokenizers
  readonly #send: (message: FromEngine) => void

  constructor(
    loaded: LoadedModel,
    engine: StepEngine,
    tokenizers: Tokenizers,
    send: (message: FromEngine) => void,
  ) {
    this.#send = send
    this.#loaded = loaded
    this.#engine = engine
    this.#tokenizers = tokenizers
  }

  handle(message: ToEngine): void {
    if (message.kind === 'cancel') this.#engine.cancel(message.id)
    else if (message.kind === 'probe') this.#engine.probe(message.id)
    else if (message.kind === 'generate') this.#engine.submit(message.id, message.request)
    else this.#send({ kind: 'tokens', answer: this.#tokenize(message) })
  }

  #tokenize(message: Extract<ToEngine, { kind: 'tokenizeChat' | 'tokenizePrompt' }>): Answer {
    const { id } = message
    const { vocabulary } = this.#loaded
    try {
      if (message.kind === 'tokenizeChat') {
        const { chat } = this.#tokenizers
        if (chat === undefined) return refused(id, 'no_chat_template')
        return { id, kind: 'tokens', tokens: chat(message.messages) }
      }
      const { prompt } = message
      if (typeof prompt === 'string') {
        return { id, kind: 'tokens', tokens: this.#tokenizers.text(prompt) }
      }
      if (!prompt.every((token) => token < vocabulary.size)) return refused(id, 'invalid_tokens')
      return { id, kind: 'tokens', tokens: [...prompt] }
    } catch (error) {
      if (error instanceof TooManyTokens) return tooLong(id, error.tokens)
      return { id, kind: 'error', code: 'failed', message: nameOf(error) }
    }
  }
}

function tokenizersOf({ chatTemplate, vocabulary }: LoadedModel, most: number): Tokenizers {
  const tokenize = boundedTokenizer((...text) => vocabulary.tokenize(...text), most)
  const { bosText, eosText } = vocabulary
  const isSpecial = (token: number) => vocabulary.isSpecial(token)
  const bounded = { tokenize, isSpecial, bosText, eosText }
  const chat = chatTemplate === undefined ? undefined : new ChatTokens(chatTemplate, bounded)
  return {
    chat: chat && ((messages) => vocabulary.withBos(chat.tokenize(messages))),
    // A client of /v1/completions writes the whole prompt itself, control tokens included.
    text: (text) => vocabulary.withBos(tokenize(text, true)),
  }
}

const refused = (id: number, code: 'no_chat_template' | 'invalid_tokens'): Answer => ({
  ...{ id, kind: 'error', code, message: code },
})

const tooLong = (id: number, promptTokens: number): Answer => ({
  ...{ id, kind: 'error', code: 'prompt_too_long', message: 'prompt_too_long', promptTokens },
})

/** Never the message: it might quote a prompt. */
const nameOf = (error: unknown) => (error instanceof Error ? error.name : typeof error)

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
  const tokenizers = tokenizersOf(loaded, options.contextSize)
  const warn = (warning: EngineWarning) => send({ kind: 'warning', warning })
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
  const service = new EngineService(loaded, engine, tokenizers, send)
  process.on('message', (message) => service.handle(message as ToEngine))
  send({ kind: 'ready', compiled: loaded.compiled, untouchedBytes: loaded.untouchedBytes })
  return await engine.run()
}

const statsOf = (engine: StepEngine, memory: SavedPrefixes | undefined): CacheStats => ({
  tokens: { ...engine.cacheHits },
  ...(memory?.stats() ?? { entries: 0, bytes: 0 }),
})
