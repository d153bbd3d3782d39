/** The seam between the OpenAI API and whatever decodes tokens. Tests use a fake of it. */
export interface ChatMessage {
  role: 'system' | 'user' | 'assistant'
  content: string
}

export interface GenerateRequest {
  /** Token ids of the whole prompt; never empty. */
  prompt: readonly number[]
  /** At least 1; prompt and answer together fit into the context. */
  maxTokens: number
  /** 0 is greedy. */
  temperature: number
  topP: number
  /** Same seed, same prompt, same file: same answer. Absent: random. */
  seed?: number
  /** The answer ends before the first of these; they are never part of it. */
  stop: readonly string[]
}

/** A piece of an answer. The last one carries `finish`. */
export interface Piece {
  text: string
  /** Tokens decoded since the piece before. */
  tokens: number
  finish?: FinishReason
}
export type FinishReason = 'stop' | 'length'

export interface EngineStatus {
  /** `cause` says why it is not ready. */
  state: 'starting' | 'ready' | 'restarting' | 'closed'
  cause?: string
  /** Milliseconds since the last decode step ended; undefined before the first. */
  msSinceStep?: number
  restarts: number
}

export interface EngineStats {
  running: number
  waiting: number
  /** Share of the KV cache in use, 0 to 1. */
  kvUsage: number
}

export type EngineErrorCode = 'queue_full' | 'unavailable' | 'failed' | 'no_chat_template'

/** The only error that an engine throws (besides the reason of an aborted signal). */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode

  constructor(code: EngineErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

export interface Engine {
  tokenizeChat(messages: readonly ChatMessage[]): Promise<number[]>
  tokenizePrompt(text: string): Promise<number[]>
  /**
   * Decodes one answer; waits for a slot first. Throws EngineError `queue_full` at once when too many
   * wait, `unavailable` when the engine dies. Aborting `signal` frees the slot after the running step.
   */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<Piece>
  /** Decodes one token, only when no request runs; never waits for a slot. */
  probe(timeoutMs: number): Promise<boolean>
  status(): EngineStatus
  stats(): EngineStats
  close(): Promise<void>
}
