import { EngineError } from '../../server/engine/engine.ts'
import type {
  Chat,
  ChatPrompt,
  Engine,
  EngineStats,
  EngineStatus,
  GenerateRequest,
  ModelDescription,
  Piece,
  TokenLikelihood,
} from '../../server/engine/engine.ts'

/** An engine without a model: words are tokens, the answer is scripted. */
export class FakeEngine implements Engine {
  /** Tokens of every answer; cut at maxTokens. */
  answer = ['Hello', ' from', ' the', ' fake', '.']
  /** Awaited before every token, so a test decides when an answer goes on. */
  beforeToken: (index: number) => Promise<void> = () => Promise.resolve()
  /** Thrown in place of an answer. */
  failWith: EngineError | undefined
  /** Thrown instead of the token with this index. */
  failAt: number | undefined
  current: EngineStatus = { state: 'ready', msSinceStep: 0, restarts: 0 }
  /** Answers that came to their end. */
  completed = 0
  probes = 0
  probeAnswer = true
  /** false: what is asked is forgotten, where many ask and memory is watched. */
  remembers = true
  readonly requests: GenerateRequest[] = []
  readonly chats: Chat[] = []
  /** Of its model. */
  description: ModelDescription = {
    ...{ chatTemplate: '', vocabularySize: 1000, bosText: '<s>', eosText: '</s>' },
    embeddingSize: undefined,
  }
  /** What a rendered chat ends with. */
  tail = ''
  readonly #slots: number
  readonly #maxQueued: number
  readonly #waiting = new Set<() => void>()
  #running = 0

  constructor(slots = 4, maxQueued = 8) {
    this.#slots = slots
    this.#maxQueued = maxQueued
  }

  async tokenizeChat(chat: Chat): Promise<ChatPrompt> {
    this.#checkReady()
    if (this.remembers) this.chats.push(chat)
    const tokens = chat.messages.flatMap(({ content }) => words(content))
    return { tokens, tail: this.tail }
  }

  async describe(): Promise<ModelDescription> {
    this.#checkReady()
    return this.description
  }

  async textsOf(tokens: readonly number[]): Promise<string[]> {
    this.#checkReady()
    return tokens.map((token) => `t${token}`)
  }

  async detokenize(tokens: readonly number[]): Promise<string> {
    return (await this.textsOf(tokens)).join(' ')
  }

  /** Of two tokens one longer than the other. */
  async embed(prompt: readonly number[]): Promise<Float32Array> {
    this.#checkReady()
    const { embeddingSize = 0 } = this.description
    return Float32Array.from({ length: embeddingSize }, (_, at) => prompt.length / (at + 1))
  }

  async tokenizePrompt(prompt: string | readonly number[]): Promise<number[]> {
    this.#checkReady()
    return typeof prompt === 'string' ? words(prompt) : [...prompt]
  }

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, void> {
    this.#checkReady()
    if (this.failWith !== undefined) throw this.failWith
    await this.#enter(signal)
    try {
      if (this.remembers) this.requests.push(request)
      const tokens = this.answer.slice(0, request.maxTokens)
      const finish = tokens.length < this.answer.length ? 'length' : 'stop'
      for (const [index, text] of tokens.entries()) {
        await this.beforeToken(index)
        signal.throwIfAborted()
        if (this.failAt === index) throw new EngineError('unavailable', 'the fake died')
        const last = index === tokens.length - 1
        const told =
          request.topLogprobs === undefined
            ? {}
            : { likelihoods: [likelihood(text, request.topLogprobs)] }
        const { promptLogprobs: top } = request
        const prompt =
          index > 0 || top === undefined
            ? {}
            : {
                promptLikelihoods: request.prompt.map((token, at) =>
                  at === 0
                    ? { bytes: bytesOf(`t${token}`), top: [] }
                    : likelihood(`t${token}`, top),
                ),
              }
        yield { text, tokens: 1, ...told, ...prompt, ...(last ? { finish } : {}) }
      }
      this.completed++
    } finally {
      this.#leave()
    }
  }

  async probe(): Promise<boolean> {
    this.probes++
    return this.probeAnswer
  }

  status(): EngineStatus {
    return this.current
  }

  stats(): EngineStats {
    const [running, waiting] = [this.#running, this.#waiting.size]
    const cache = { tokens: { slot: 0, memory: 0, volume: 0 }, entries: 0, bytes: 0 }
    const drafts = { accepted: 0, rejected: 0 }
    const shaping = { padRows: 0, moves: 0, copies: 0 }
    return { running, waiting, kvUsage: 0, threads: 2, cache, drafts, shaping }
  }

  async close(): Promise<void> {
    this.current = { state: 'closed', restarts: 0 }
  }

  /** Ends when a slot is free, in order of arrival. */
  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#running < this.#slots) {
      this.#running++
      return
    }
    if (this.#waiting.size >= this.#maxQueued) {
      throw new EngineError('queue_full', `${this.#waiting.size} requests wait already`)
    }
    await new Promise<void>((resolve, reject) => {
      const gone = () => {
        this.#waiting.delete(turn)
        reject(signal.reason as Error)
      }
      const turn = () => {
        signal.removeEventListener('abort', gone)
        resolve()
      }
      this.#waiting.add(turn)
      signal.addEventListener('abort', gone, { once: true })
    })
  }

  /** The first that waits takes over the slot. */
  #leave(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#running--
    else {
      this.#waiting.delete(next)
      next()
    }
  }

  #checkReady(): void {
    if (this.current.state !== 'ready') throw new EngineError('unavailable', 'the fake is down')
  }
}

const words = (text: string) =>
  text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((_, i) => i)

const bytesOf = (text: string) => Array.from(Buffer.from(text))

/** Every token has a probability of a half, the others less and less. */
const likelihood = (text: string, top: number): TokenLikelihood => ({
  ...{ bytes: bytesOf(text), logprob: -Math.LN2 },
  top: Array.from({ length: top }, (_, rank) => ({
    bytes: bytesOf(rank === 0 ? text : `other${rank}`),
    logprob: -Math.LN2 * (rank + 1),
  })),
})
