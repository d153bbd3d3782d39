/**
 * The engine process: loads the model and decodes for its parent over IPC. Native code may abort where
 * no `catch` can help; then this process dies and the server lives. It ends with its parent.
 */
import { KitError } from '../../catalog/errors.ts'
import { describeAddon } from './addon.ts'
import { Calibration } from './calibration.ts'
import { ChatTokens } from './chat-tokens.ts'
import { loadModel } from './load-model.ts'
import type { LoadedModel } from './load-model.ts'
import type { Answer, EngineOptions, FromEngine, ToEngine } from './protocol.ts'
import { selfTest } from './self-test.ts'
import { StepEngine } from './step-engine.ts'

/** Tokenizing is done at once; decoding is queued. */
class EngineProcess {
  readonly #loaded: LoadedModel
  readonly #chat: ChatTokens | undefined
  readonly #engine: StepEngine

  constructor(loaded: LoadedModel, engine: StepEngine) {
    const { chatTemplate, vocabulary } = loaded
    this.#loaded = loaded
    this.#engine = engine
    this.#chat = chatTemplate === undefined ? undefined : new ChatTokens(chatTemplate, vocabulary)
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
        if (this.#chat === undefined) return refused(id, 'no_chat_template')
        return {
          id,
          kind: 'tokens',
          tokens: vocabulary.withBos(this.#chat.tokenize(message.messages)),
        }
      }
      const { prompt } = message
      if (typeof prompt === 'string') {
        // A client of /v1/completions writes the whole prompt itself, control tokens included.
        const tokens = vocabulary.withBos(vocabulary.tokenize(prompt, true))
        return { id, kind: 'tokens', tokens }
      }
      if (!prompt.every((token) => token < vocabulary.size)) return refused(id, 'invalid_tokens')
      return { id, kind: 'tokens', tokens: [...prompt] }
    } catch (error) {
      return { id, kind: 'error', code: 'failed', message: nameOf(error) }
    }
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
  const options = JSON.parse(process.argv[2] ?? '') as EngineOptions
  process.on('disconnect', () => process.exit(0))
  process.on('SIGTERM', () => undefined)
  process.on('SIGINT', () => undefined)
  const loaded = await loadModel(options)
  const { context, vocabulary } = loaded
  // Ready means: real tokens were decoded, and as they should be.
  const { canTruncate } = await selfTest(context, vocabulary)
  const shaping = (options.shaping ?? true) && canTruncate
  const calibration = new Calibration({
    ...{ context, token: vocabulary.start, on: shaping },
    lengthOf: (slot) => context.lengthOf(slot),
  })
  const engine = new StepEngine({
    ...{ context, vocabulary, canTruncate, calibration, shaping },
    ...{ digest: options.digest, maxQueued: options.maxQueued },
    ...{ firstTokenMs: options.firstTokenMs, interTokenMs: options.interTokenMs },
    prefixCache: options.prefixCache ?? true,
    saved: undefined,
    report: (round) => send({ kind: 'round', ...round }),
  })
  const served = new EngineProcess(loaded, engine)
  process.on('message', (message) => served.handle(message as ToEngine))
  send({ kind: 'ready', addon: describeAddon(loaded.addon) })
  await engine.run()
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
