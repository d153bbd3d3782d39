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
  | { kind: 'ready'; contextSize: number; threads: number }
  | { kind: 'failed'; code: string; message: string }
  /** `kvTokens`: cells of the KV cache in use. */
  | { kind: 'round'; answers: Answer[]; kvTokens: number; stepped: boolean }

/** Handed over once, as the process's argument. */
export interface EngineOptions {
  file: string
  bytes?: number
  contextSize: number
  slots: number
  threads: number
  gpu: boolean
}
