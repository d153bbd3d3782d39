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
  /** Goes on past the model's end token: an answer of exactly `maxTokens`. For benchmarks. */
  ignoreEos: boolean
  /** Who pays: keys and values never serve another tenant, and tenants share the engine fairly. */
  tenant: string
  /** Digest of the adapter that answers; `none` without one. Keys and values never cross it. */
  adapter: string
  priority: Priority
}

/** Classes of waiting requests, the first served first. */
export const PRIORITIES = ['high', 'normal', 'low'] as const
export type Priority = (typeof PRIORITIES)[number]

/** A piece of an answer. The last one carries `finish`. */
export interface Piece {
  text: string
  /** Tokens decoded since the piece before. */
  tokens: number
  /** In the first piece: prompt tokens that came from the prefix cache. */
  cachedTokens?: number
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
  cache: CacheStats
  drafts: DraftStats
  shaping: ShapingStats
  /** That decode; 0 before the first step. */
  threads: number
}

/** Guessed tokens that were decoded: those that came true, and those that were decoded in vain. */
export interface DraftStats {
  accepted: number
  rejected: number
}

/** Since the start: rows that filled up steps, answers that moved to another slot, prefixes copied to one. */
export interface ShapingStats {
  padRows: number
  moves: number
  copies: number
}

/** Of the prefix cache. Tokens since the start: prompt tokens that needed no evaluation. */
export interface CacheStats {
  tokens: { slot: number; memory: number; volume: number }
  /** Of the RAM tier. */
  entries: number
  bytes: number
}

export type EngineErrorCode =
  /** As many wait as may. */
  | 'queue_full'
  /** The first token would come too late, or the place in a full queue went to another. */
  | 'too_late'
  | 'unavailable'
  | 'failed'
  | 'no_chat_template'
  /** The model's file has one that is no template, or fails with any message. */
  | 'chat_template_unusable'
  /** The chat template takes no such messages, as where it wants roles to take turns. */
  | 'messages_refused'
  /** A token id that the vocabulary does not have. */
  | 'invalid_tokens'
  /** `promptTokens` and more, which is more than the context holds. */
  | 'prompt_too_long'

/** The only error that an engine throws (besides the reason of an aborted signal). */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode
  /** When to try again, seconds; undefined: the table's. */
  readonly retryAfterS: number | undefined
  readonly promptTokens: number | undefined

  constructor(
    code: EngineErrorCode,
    message: string,
    { retryAfterS, promptTokens }: { retryAfterS?: number; promptTokens?: number } = {},
  ) {
    super(message)
    this.code = code
    this.retryAfterS = retryAfterS
    this.promptTokens = promptTokens
  }
}

export interface Engine {
  /**
   * Throws EngineError `no_chat_template`, `chat_template_unusable`, `messages_refused`,
   * `prompt_too_long`; `unavailable` when there is no engine or it dies, `failed` for anything else.
   */
  tokenizeChat(messages: readonly ChatMessage[]): Promise<number[]>
  /**
   * Token ids are checked and stay as they are. Throws EngineError `invalid_tokens`, `prompt_too_long`,
   * `unavailable`, `failed`.
   */
  tokenizePrompt(prompt: string | readonly number[]): Promise<number[]>
  /**
   * Decodes one answer; waits for a slot first. Aborting `signal` frees the slot after the running step.
   * Throws EngineError `queue_full` when too many wait; `too_late`, then or while it waits, when its first
   * token cannot come in time or it gave way to another; both are told once the running step is over.
   * `failed` when a step has no token for it; `unavailable` when there is no engine or it dies: these also
   * after pieces.
   */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<Piece>
  /** true: a batch was decoded since; of requests, or a row that leaves every slot as it is. */
  probe(timeoutMs: number): Promise<boolean>
  status(): EngineStatus
  stats(): EngineStats
  close(): Promise<void>
}
