/**
 * The engine process: loads the model and decodes for its parent over IPC. Native code may abort where
 * no `catch` can help; then this process dies and the server lives. It ends with its parent.
 */
import { once } from 'node:events'
import { KitError } from '../../catalog/errors.ts'
import { describeAddon } from './addon.ts'
import { Calibration } from './calibration.ts'
import { ChatTokens } from './chat-tokens.ts'
import { openCaches } from './engine-caches.ts'
import type { EngineCaches } from './engine-caches.ts'
import { loadModel } from './load-model.ts'
import type { LoadedModel } from './load-model.ts'
import type { CacheStats } from './engine.ts'
import type { Answer, EngineOptions, FromEngine, StartEngine, ToEngine } from './protocol.ts'
import type { SavedPrefixes } from './saved-prefixes.ts'
import { selfTest } from './self-test.ts'
import { StepEngine } from './step-engine.ts'
import type { Tokenizers } from './system-prompt-tokens.ts'
import type { EngineWarning } from './warning.ts'

/** Tokenizing is done at once; decoding is queued. */
class EngineProcess {
  readonly #loaded: LoadedModel
  readonly #engine: StepEngine
  readonly #tokenizers: Tokenizers

  constructor(loaded: LoadedModel, engine: StepEngine, tokenizers: Tokenizers) {
    this.#loaded = loaded
    this.#engine = engine
    this.#tokenizers = tokenizers
  }

  handle(message: ToEngine): void {
    if (message.kind === 'cancel') this.#engine.cancel(message.id)
    else if (message.kind === 'generate') this.#engine.submit(message.id, message.request)
    else send({ kind: 'tokens', answer: this.#tokenize(message) })
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
      return { id, kind: 'error', code: 'failed', message: nameOf(error) }
    }
  }
}

function tokenizersOf({ chatTemplate, vocabulary }: LoadedModel): Tokenizers {
  const chat = chatTemplate === undefined ? undefined : new ChatTokens(chatTemplate, vocabulary)
  return {
    chat: chat && ((messages) => vocabulary.withBos(chat.tokenize(messages))),
    // A client of /v1/completions writes the whole prompt itself, control tokens included.
    text: (text) => vocabulary.withBos(vocabulary.tokenize(text, true)),
  }
}

const refused = (id: number, code: 'no_chat_template' | 'invalid_tokens'): Answer => ({
  ...{ id, kind: 'error', code, message: code },
})

/** Never the message: it might quote a prompt. */
const nameOf = (error: unknown) => (error instanceof Error ? error.name : typeof error)

function send(message: FromEngine): void {
  if (process.connected) process.send?.(message)
}

async function main(): Promise<void> {
  let caches: EngineCaches | undefined = undefined
  process.on('disconnect', () => void leave(caches))
  process.on('SIGTERM', () => undefined)
  process.on('SIGINT', () => undefined)
  const options = await startOptions()
  const loaded = await loadModel(options)
  const { context, vocabulary, slidingWindow } = loaded
  // Ready means: real tokens were decoded, and as they should be.
  const { canTruncate } = await selfTest(context, vocabulary)
  const shaping = (options.shaping ?? true) && canTruncate
  const prefixCache = options.prefixCache ?? true
  const tokenizers = tokenizersOf(loaded)
  const warn = (warning: EngineWarning) => send({ kind: 'warning', warning })
  const on = prefixCache && canTruncate
  caches = await openCaches({ options, loaded, tokenizers, on, warn })
  const { memory, listed, costTable, untilSlotsAreFree } = caches
  const calibration = new Calibration({
    ...{ context, token: vocabulary.start, on: shaping, done: caches.keepCostTable },
    ...(costTable === undefined ? {} : { known: costTable }),
    lengthOf: (slot) => context.lengthOf(slot),
  })
  const engine: StepEngine = new StepEngine({
    ...{ context, vocabulary, canTruncate, calibration, shaping, prefixCache },
    ...{ digest: options.digest, maxQueued: options.maxQueued },
    ...{ firstTokenMs: options.firstTokenMs, interTokenMs: options.interTokenMs },
    ...{ saved: memory, listed, slidingWindow, untilSlotsAreFree },
    report: (round) => send({ kind: 'round', ...round, cache: statsOf(engine, memory) }),
  })
  await engine.warmUp()
  const served = new EngineProcess(loaded, engine, tokenizers)
  process.on('message', (message) => served.handle(message as ToEngine))
  send({ kind: 'ready', addon: describeAddon(loaded.addon) })
  await engine.run()
}

/** What came before the listener is kept for it. */
async function startOptions(): Promise<EngineOptions> {
  const [message] = (await once(process, 'message')) as [StartEngine]
  return message.options
}

const statsOf = (engine: StepEngine, memory: SavedPrefixes | undefined): CacheStats => ({
  tokens: { ...engine.cacheHits },
  ...(memory?.stats() ?? { entries: 0, bytes: 0 }),
})

/** Users' text does not stay in memory that outlives the process. */
async function leave(caches: EngineCaches | undefined): Promise<void> {
  await caches?.memory?.close()
  process.exit(0)
}

main().catch((error: unknown) => {
  const known = error instanceof KitError
  send({
    kind: 'failed',
    code: known ? error.code : 'LOAD_FAILED',
    message: known ? error.message.slice(0, 500) : nameOf(error),
  })
  // Leaves time for the message; a normal return would wait for native handles.
  setTimeout(() => process.exit(1), 50)
})
