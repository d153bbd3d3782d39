import type { CacheType } from '../../catalog/cache-type.ts'
import type {
  CacheStats,
  Chat,
  DraftStats,
  GenerateRequest,
  ModelDescription,
  Piece,
  ShapingStats,
} from './engine.ts'
import type { EngineWarning } from './warning.ts'

/**
 * The first message to the engine process, which checks the file at once: the length of an argument is
 * bounded, that of prompts is not.
 */
export interface StartEngine {
  kind: 'start'
  options: EngineOptions
}

/** The second one: choosing takes as long as the check of a big vocabulary. */
export interface UseAddon {
  kind: 'addon'
  addon: ChosenAddon
}

/** Which native code to load, and the digest of what it was built from. */
export interface ChosenAddon {
  compiled: boolean
  key: string
}

/** What the server tells the engine process once it is ready. `id` names a call; every call but `cancel` is answered. */
export type ToEngine =
  | { kind: 'tokenizeChat'; id: number; chat: Chat }
  | {
      kind: 'tokenizePrompt'
      id: number
      prompt: string | readonly number[]
      withStart: boolean
    }
  | { kind: 'textsOf' | 'detokenize'; id: number; tokens: readonly number[] }
  | { kind: 'generate'; id: number; request: GenerateRequest }
  | { kind: 'embed'; id: number; prompt: readonly number[] }
  | { kind: 'cancel'; id: number }
  | { kind: 'probe'; id: number }

export type Answer =
  | { id: number; kind: 'tokens'; tokens: number[] }
  | { id: number; kind: 'chat'; tokens: number[]; tail: string }
  | { id: number; kind: 'texts'; texts: string[] }
  /** Little-endian 32-bit numbers, in base 64: as numbers they would be four times as long. */
  | { id: number; kind: 'vector'; base64: string }
  | { id: number; kind: 'piece'; piece: Piece }
  /** Last of a `generate`: its slot is free again. All of a `probe`: a batch was decoded since. */
  | { id: number; kind: 'end' }
  | {
      id: number
      kind: 'error'
      code:
        | 'failed'
        | 'no_chat_template'
        | 'chat_template_unusable'
        | 'messages_refused'
        | 'invalid_tokens'
        | 'invalid_bias'
        | 'schema_refused'
        | 'not_generative'
        | 'no_embeddings'
        | 'prompt_too_long'
        | 'queue_full'
        | 'too_late'
      message: string
      retryAfterS?: number
      /** Of one that is too long, at least. */
      promptTokens?: number
    }

/** What the engine process tells the server: one message carries all answers of a decode round. */
export type FromEngine =
  /** `compiled`: whether it is the compiled addon that was loaded. `untouchedBytes`: what the cache will take yet. */
  | { kind: 'ready'; compiled: boolean; untouchedBytes: number; model: ModelDescription }
  | { kind: 'failed'; code: string; message: string }
  /** Once for each thing that the engine goes on without. */
  | { kind: 'warning'; warning: EngineWarning }
  | { kind: 'tokens'; answer: Answer }
  /** `kvTokens`: cells of the KV cache that requests under way use. */
  | {
      kind: 'round'
      answers: Answer[]
      kvTokens: number
      stepped: boolean
      running: number
      waiting: number
      cache: CacheStats
      /** Since the last round, as `shaping`. */
      drafts: DraftStats
      shaping: ShapingStats
      /** That the last step used. */
      threads: number
    }

export interface EngineOptions {
  file: string
  bytes?: number
  contextSize: number
  slots: number
  /** Of keys and values; default f16. */
  cacheType?: CacheType
  threads: number
  gpu: boolean
  /** SHA-256 of the file: keys and values never serve another. */
  digest: string
  /** Requests that may wait for a slot. */
  maxQueued: number
  /** Longest time to the first token. */
  firstTokenMs: number
  /** Pause between two tokens of an answer that prefill of others is planned to keep. */
  interTokenMs: number
  /** The operator's own texts, that every tenant's requests may begin with. */
  systemPrompts?: readonly string[]
  /** May be a disk: for states of `systemPrompts` and the cost table. Absent: neither is kept. */
  stateFolder?: string
  /** The RAM tier: a folder in memory and the most that lies there. Absent: slots alone. */
  prefixMemory?: { folder: string; bytes: number }
  /** Whether steps are shaped by pad rows and moves; default true. */
  shaping?: boolean
  /** Whether repetitions are guessed where nobody else is served; default true. */
  drafts?: boolean
  /** Whether prefixes are kept and shared; default true. */
  prefixCache?: boolean
}
