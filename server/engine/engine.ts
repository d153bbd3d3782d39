/** The seam between the OpenAI API and whatever decodes tokens. Tests use a fake of it. */
export type ChatMessage =
  | { role: 'system' | 'user'; content: string; name?: string }
  | { role: 'assistant'; content: string; reasoning?: string; toolCalls?: readonly ChatCall[] }
  | { role: 'tool'; content: string; toolCallId: string }

/** A call that the model asked for; `arguments` is JSON. */
export interface ChatCall {
  id: string
  name: string
  arguments: string
}

/** What the model is told that it may call; `parameters` is a JSON schema. */
export interface ChatTool {
  name: string
  description?: string
  parameters?: Readonly<Record<string, unknown>>
}

export interface Chat {
  messages: readonly ChatMessage[]
  tools: readonly ChatTool[]
  /** Of the model's template, beside those that it always has. */
  variables: Readonly<Record<string, string | number | boolean>>
}

/** A chat as the model reads it. */
export interface ChatPrompt {
  tokens: number[]
  /** The last characters of it: whether the answer begins within reasoning. */
  tail: string
}

/** A part of what an answer must be: a grammar is made of them. */
export type AnswerPart =
  | { readonly text: string }
  /** A JSON value that is valid by this schema. */
  | { readonly json: unknown }
  /** Any text in which this does not occur; it comes next, as the beginning of a `text`. */
  | { readonly textBefore: string }
  | { readonly oneOf: readonly (readonly AnswerPart[])[] }
  /** Any number of times, also none. */
  | { readonly repeat: readonly AnswerPart[] }

export interface GenerateRequest {
  /** Token ids of the whole prompt; never empty. */
  prompt: readonly number[]
  /** At least 1; prompt and answer together fit into the context. */
  maxTokens: number
  /** 0 is greedy. */
  temperature: number
  topP: number
  /** The likeliest so many tokens; 0: all; absent: the engine's own. */
  topK?: number
  /** Tokens at least so likely as this share of the likeliest one. */
  minP?: number
  /** Of tokens that the answer has already, once each. */
  presencePenalty?: number
  /** The same, as often as they are there. */
  frequencyPenalty?: number
  /** Added to the logits of tokens. */
  logitBias?: readonly (readonly [token: number, bias: number])[]
  /** Parts that the answer consists of, one after the other; absent: any text. */
  parts?: readonly AnswerPart[]
  /** Of each token of the answer its likelihood, and that of so many others; absent: of none. */
  topLogprobs?: number
  /** The same of the prompt's tokens: all of them are evaluated then. */
  promptLogprobs?: number
  /** Control tokens that are text of the answer all the same, by what they read. */
  markers?: readonly string[]
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

/** How likely a token was, by the model alone: before sampling, penalties and constraints. */
export interface TokenLikelihood {
  /** A token may be a part of a character. */
  bytes: readonly number[]
  /** Natural logarithm; undefined: of a prompt's first token. */
  logprob?: number
  /** The likeliest at its place, the likeliest first. */
  top: readonly { bytes: readonly number[]; logprob: number }[]
}

/** A piece of an answer. The last one carries `finish`. */
export interface Piece {
  text: string
  /** Tokens decoded since the piece before. */
  tokens: number
  /** In the first piece: prompt tokens that came from the prefix cache. */
  cachedTokens?: number
  /** Of its tokens, where the request wants it. */
  likelihoods?: readonly TokenLikelihood[]
  /** In the last piece, where the model ended by itself: of its end token, which is no text of the answer. */
  endLikelihood?: TokenLikelihood
  /** In the first piece: of the prompt's tokens, where the request wants it. */
  promptLikelihoods?: readonly TokenLikelihood[]
  finish?: FinishReason
}
export type FinishReason = 'stop' | 'length'

/** Of the file that is served. */
export interface ModelDescription {
  /** Its own template; undefined: it has none. */
  chatTemplate: string | undefined
  vocabularySize: number
  bosText: string
  eosText: string
  /** Numbers of its vectors; undefined: it answers, and makes none. */
  embeddingSize: number | undefined
}

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
  /** The same, in `logitBias`. */
  | 'invalid_bias'
  /** No grammar can be made of a JSON schema; the message says where in it and why. */
  | 'schema_refused'
  /** The model makes vectors, not answers; or the other way round. */
  | 'not_generative'
  | 'no_embeddings'
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
  tokenizeChat(chat: Chat): Promise<ChatPrompt>
  /**
   * Token ids are checked and stay as they are. `withStart`: false: a text without the model's first token. Throws EngineError `invalid_tokens`, `prompt_too_long`,
   * `unavailable`, `failed`.
   */
  tokenizePrompt(prompt: string | readonly number[], withStart?: boolean): Promise<number[]>
  /** What it can tell of its model. Throws EngineError `unavailable`. */
  describe(): Promise<ModelDescription>
  /** The texts of tokens, one by one. Throws EngineError `invalid_tokens`, `unavailable`, `failed`. */
  textsOf(tokens: readonly number[]): Promise<string[]>
  /** The text of tokens together. Throws as `textsOf`. */
  detokenize(tokens: readonly number[]): Promise<string>
  /**
   * A vector of a prompt, of length 1. Throws EngineError `no_embeddings`, `queue_full`, `unavailable`,
   * `failed`.
   */
  embed(prompt: readonly number[], signal: AbortSignal): Promise<Float32Array>
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
