/**
 * The engine process: the only file that imports node-llama-cpp. Native code may abort where no
 * `catch` can help; then this process dies and the server lives. It writes nothing to disk and
 * ends with its parent.
 */
import { getLlama, LlamaLogLevel } from 'node-llama-cpp'
import type { LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp'
import { KitError } from '../../catalog/errors.ts'
import { checkBeforeLoad } from '../../weights/gguf-header.ts'
import { AnswerText } from './answer-text.ts'
import { ChatTokens } from './chat-tokens.ts'
import type { FinishReason, GenerateRequest } from './engine.ts'
import { samplingOptions } from './sampling-options.ts'
import type { Answer, EngineOptions, FromEngine, ToEngine } from './protocol.ts'

/** Beyond this vocabulary the logits of a batch of 512 take 0.5 GiB and more. */
const BIG_VOCABULARY = 128_000

interface Loaded {
  model: LlamaModel
  batchSize: number
  free: LlamaContextSequence[]
  all: LlamaContextSequence[]
  chat: ChatTokens | undefined
}

interface Call {
  id: number
  cancelled: boolean
}

const asTokens = (numbers: readonly number[]) => numbers as Token[]

async function load(options: EngineOptions): Promise<Loaded> {
  await checkBeforeLoad(options.file, options.bytes)
  const llama = await getLlama({
    gpu: options.gpu ? 'auto' : false,
    build: 'never',
    skipDownload: true,
    maxThreads: options.threads,
    logLevel: LlamaLogLevel.error,
    progressLogs: false,
  })
  const model = await llama.loadModel({ modelPath: options.file })
  const vocabulary = model.fileInfo.metadata.tokenizer?.ggml?.tokens?.length ?? 0
  const batchSize = Math.min(options.contextSize, vocabulary > BIG_VOCABULARY ? 256 : 512)
  const context = await model.createContext({
    sequences: options.slots,
    contextSize: options.contextSize,
    batchSize,
    threads: options.threads,
    swaFullCache: true,
    failedCreationRemedy: false,
  })
  const all = Array.from({ length: options.slots }, () =>
    context.getSequence({ contextShift: { strategy: refuseShift } }),
  )
  const template = model.fileInfo.metadata.tokenizer?.chat_template
  const chat = template === undefined ? undefined : new ChatTokens(template, vocabularyOf(model))
  return { model, batchSize, free: [...all], all, chat }
}

/** The server counts tokens before it asks, so dropping the oldest ones unseen would be a defect. */
function refuseShift(): never {
  throw new Error('prompt and answer exceed the context')
}

const vocabularyOf = (model: LlamaModel) => ({
  tokenize: (text: string, special: boolean): number[] => model.tokenize(text, special),
  isSpecial: (token: number) => model.isSpecialToken(token as Token),
  bosText: model.tokens.bosString ?? '',
  eosText: model.tokens.eosString ?? '',
})

/** Serves one parent over IPC. */
class EngineProcess {
  readonly #loaded: Loaded
  readonly #calls = new Map<number, Call>()
  #answers: Answer[] = []
  #stepped = false
  #flushing = false

  constructor(loaded: Loaded) {
    this.#loaded = loaded
  }

  handle(message: ToEngine): void {
    if (message.kind === 'cancel') this.#cancel(message.id)
    else if (message.kind === 'generate') void this.#generate(message.id, message.request)
    else this.#answer(this.#tokenize(message))
  }

  #tokenize(message: Extract<ToEngine, { kind: 'tokenizeChat' | 'tokenizePrompt' }>): Answer {
    const { id } = message
    const { model, chat } = this.#loaded
    try {
      // A client of /v1/completions writes the whole prompt itself, control tokens included.
      if (message.kind === 'tokenizePrompt') {
        const { prompt } = message
        if (typeof prompt !== 'string') return this.#checkTokens(id, prompt)
        return { id, kind: 'tokens', tokens: this.#withBos(model.tokenize(prompt, true)) }
      }
      if (chat === undefined) {
        return { id, kind: 'error', code: 'no_chat_template', message: 'no chat template' }
      }
      return { id, kind: 'tokens', tokens: this.#withBos(chat.tokenize(message.messages)) }
    } catch (error) {
      return { id, kind: 'error', code: 'failed', message: nameOf(error) }
    }
  }

  #checkTokens(id: number, tokens: readonly number[]): Answer {
    const vocabulary = this.#loaded.model.fileInfo.metadata.tokenizer.ggml.tokens.length
    if (tokens.every((token) => token < vocabulary))
      return { id, kind: 'tokens', tokens: [...tokens] }
    return { id, kind: 'error', code: 'invalid_tokens', message: 'unknown token id' }
  }

  /** Takes effect after the running step. One that has ended meanwhile is unknown. */
  #cancel(id: number): void {
    const call = this.#calls.get(id)
    if (call !== undefined) call.cancelled = true
  }

  #withBos(tokens: number[]): number[] {
    const { bos, shouldPrependBosToken } = this.#loaded.model.tokens
    const wanted = shouldPrependBosToken && bos !== null && tokens[0] !== bos
    return wanted ? [bos, ...tokens] : tokens
  }

  async #generate(id: number, request: GenerateRequest): Promise<void> {
    const sequence = this.#loaded.free.shift()
    if (sequence === undefined) {
      this.#answer({ id, kind: 'error', code: 'failed', message: 'no free slot' })
      return
    }
    const call = { id, cancelled: false }
    this.#calls.set(id, call)
    let failure: string | undefined
    try {
      await this.#decode(call, request, sequence)
    } catch (error) {
      failure = nameOf(error)
    }
    // One tenant's keys and values never serve another: nothing of a request stays in its slot.
    await sequence.clearHistory()
    this.#loaded.free.unshift(sequence)
    this.#calls.delete(id)
    if (failure === undefined) this.#answer({ id, kind: 'end' })
    else this.#answer({ id, kind: 'error', code: 'failed', message: failure })
  }

  async #decode(call: Call, request: GenerateRequest, sequence: LlamaContextSequence) {
    const last = await this.#prefill(call, request.prompt, sequence)
    if (last === undefined) return
    const { model } = this.#loaded
    const answer = new AnswerText(
      (tokens, before) => model.detokenize(asTokens(tokens), false, asTokens(before)),
      request.stop,
    )
    let text = ''
    let unsent = 0
    const send = (finish?: FinishReason) => {
      const piece = { text, tokens: unsent, ...(finish === undefined ? {} : { finish }) }
      this.#answer({ id: call.id, kind: 'piece', piece })
      text = ''
      unsent = 0
    }
    let decoded = 0
    for await (const token of sequence.evaluate(asTokens(last), samplingOptions(request))) {
      if (call.cancelled) return
      this.#step()
      unsent++
      const released = answer.push(token)
      text += released.text
      if (released.stopped) return send('stop')
      if (++decoded >= request.maxTokens) break
      if (text !== '') send()
    }
    const rest = answer.flush()
    text += rest.text
    send(decoded >= request.maxTokens && !rest.stopped ? 'length' : 'stop')
  }

  /** Evaluates all but the last part, which it returns; undefined when cancelled in between. */
  async #prefill(call: Call, prompt: readonly number[], sequence: LlamaContextSequence) {
    const { batchSize } = this.#loaded
    let at = 0
    for (; prompt.length - at > batchSize; at += batchSize) {
      await sequence.evaluateWithoutGeneratingNewTokens(asTokens(prompt.slice(at, at + batchSize)))
      this.#step()
      if (call.cancelled) return undefined
    }
    return prompt.slice(at)
  }

  #step(): void {
    this.#stepped = true
    this.#flushSoon()
  }

  #answer(answer: Answer): void {
    this.#answers.push(answer)
    this.#flushSoon()
  }

  /** What the streams of one decode round have to say travels as one message. */
  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      const kvTokens = this.#loaded.all.reduce((sum, { nextTokenIndex }) => sum + nextTokenIndex, 0)
      send({ kind: 'round', answers: this.#answers, kvTokens, stepped: this.#stepped })
      this.#answers = []
      this.#stepped = false
    })
  }
}

/** Never the message: it might quote a prompt. */
const nameOf = (error: unknown) => (error instanceof Error ? error.name : typeof error)

async function decodeOneToken({ model, all }: Loaded): Promise<void> {
  const sequence = all[0]
  const start = model.tokens.bos ?? model.tokens.eos ?? (0 as Token)
  const tokens = sequence?.evaluate([start], { temperature: 0, yieldEogToken: true })
  await tokens?.next()
  await tokens?.return()
  await sequence?.clearHistory()
}

function send(message: FromEngine): void {
  if (process.connected) process.send?.(message)
}

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? '') as EngineOptions
  process.on('disconnect', () => process.exit(0))
  process.on('SIGTERM', () => undefined)
  process.on('SIGINT', () => undefined)
  const loaded = await load(options)
  // Ready means: a real token was decoded.
  await decodeOneToken(loaded)
  const engine = new EngineProcess(loaded)
  process.on('message', (message) => engine.handle(message as ToEngine))
  send({ kind: 'ready', contextSize: options.contextSize, threads: options.threads })
}

main().catch((error: unknown) => {
  const known = error instanceof KitError
  send({
    kind: 'failed',
    code: known ? error.code : 'LOAD_FAILED',
    message: error instanceof Error ? error.message.slice(0, 500) : 'unknown',
  })
  // Leaves time for the message; a normal return would wait for native handles.
  setTimeout(() => process.exit(1), 50)
})
