import type { ChatMessage, GenerateRequest, Piece } from './engine.ts'

/** What the server tells the engine process. `id` names a call; every call but `cancel` is answered. */
export type ToEngine =
  | { kind: 'tokenizeChat'; id: number; messages: readonly ChatMessage[] }
  | { kind: 'tokenizePrompt'; id: number; prompt: string | readonly number[] }
  | { kind: 'generate'; id: number; request: GenerateRequest }
  | { kind: 'cancel'; id: number }

export type Answer =
  | { id: number; kind: 'tokens'; tokens: number[] }
  | { id: number; kind: 'piece'; piece: Piece }
  /** Last of a `generate`: its slot is free again. */
  | { id: number; kind: 'end' }
  | {
      id: number
      kind: 'error'
      code: 'failed' | 'no_chat_template' | 'invalid_tokens' | 'queue_full' | 'too_late'
      message: string
      retryAfterS?: number
    }

/** What the engine process tells the server: one message carries all answers of a decode round. */
export type FromEngine =
  | { kind: 'ready'; addon: string }
  | { kind: 'failed'; code: string; message: string }
  | { kind: 'tokens'; answer: Answer }
  /** `kvTokens`: cells of the KV cache that requests under way use. */
  | {
      kind: 'round'
      answers: Answer[]
      kvTokens: number
      stepped: boolean
      running: number
      waiting: number
    }

/** Handed over once, as the process's argument. */
export interface EngineOptions {
  file: string
  bytes?: number
  contextSize: number
  slots: number
  threads: number
  gpu: boolean
  /** SHA-256 of the file: keys and values never serve another. */
  digest: string
  /** Requests that may wait for a slot. */
  maxQueued: number
  /** Longest time to the first token. */
  firstTokenMs: number
  /** Longest pause that prefill of others makes between two tokens of an answer. */
  interTokenMs: number
  /** Whether steps are shaped by pad rows and moves; default true. */
  shaping?: boolean
  /** Whether prefixes are kept and shared; default true. */
  prefixCache?: boolean
}
