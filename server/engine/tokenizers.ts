/** Texts of requests as tokens of the model, or why there are none. */
import { boundedTokenizer, TooManyTokens } from './bounded-tokenizer.ts'
import { ChatTokens, TemplateError } from './chat-tokens.ts'
import type { TemplateWarning } from './chat-tokens.ts'
import type { LoadedModel } from './load-model.ts'
import type { Answer, EngineOptions, ToEngine } from './protocol.ts'
import type { Tokenizers } from './system-prompt-tokens.ts'

export interface ModelTokenizers extends Tokenizers {
  /** Why `chat` is undefined, if it is. */
  noChat: 'no_chat_template' | 'chat_template_unusable'
  /** Tokens of the vocabulary: the ids below this. */
  size: number
}

const MOST_DETAIL = 200

/** A model whose template cannot be used completes prompts all the same: then `warn` says what is wrong. */
export function tokenizersOf(
  { chatTemplate, vocabulary }: Pick<LoadedModel, 'chatTemplate' | 'vocabulary'>,
  { file, contextSize }: Pick<EngineOptions, 'file' | 'contextSize'>,
  warn: (warning: TemplateWarning) => void,
): ModelTokenizers {
  const tokenize = boundedTokenizer((...text) => vocabulary.tokenize(...text), contextSize)
  const { bosText, eosText, size } = vocabulary
  const isSpecial = (token: number) => vocabulary.isSpecial(token)
  let chat: ChatTokens | undefined
  try {
    const bounded = { tokenize, isSpecial, bosText, eosText }
    chat = chatTemplate === undefined ? undefined : new ChatTokens(chatTemplate, bounded)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    const path = `${file}, tokenizer.chat_template`
    const detail = error.message.slice(0, MOST_DETAIL)
    warn({ event: 'chat_template_unusable', cause: error.cause, path, detail })
  }
  return {
    chat: chat && ((messages) => vocabulary.withBos(chat.tokenize(messages))),
    // A client of /v1/completions writes the whole prompt itself, control tokens included.
    text: (text) => vocabulary.withBos(tokenize(text, true)),
    noChat: chatTemplate === undefined ? 'no_chat_template' : 'chat_template_unusable',
    size,
  }
}

/** Never throws. */
export function tokensFor(
  message: Extract<ToEngine, { kind: 'tokenizeChat' | 'tokenizePrompt' }>,
  { chat, noChat, text, size }: ModelTokenizers,
): Answer {
  const { id } = message
  try {
    if (message.kind === 'tokenizeChat') {
      if (chat === undefined) return refused(id, noChat)
      return { id, kind: 'tokens', tokens: chat(message.messages) }
    }
    const { prompt } = message
    if (typeof prompt === 'string') return { id, kind: 'tokens', tokens: text(prompt) }
    if (!prompt.every((token) => token < size)) return refused(id, 'invalid_tokens')
    return { id, kind: 'tokens', tokens: [...prompt] }
  } catch (error) {
    if (error instanceof TooManyTokens) return tooLong(id, error.tokens)
    if (error instanceof TemplateError) return refused(id, 'messages_refused')
    return { id, kind: 'error', code: 'failed', message: nameOf(error) }
  }
}

type Refusal = ModelTokenizers['noChat'] | 'messages_refused' | 'invalid_tokens'

const refused = (id: number, code: Refusal): Answer => ({
  ...{ id, kind: 'error', code, message: code },
})

const tooLong = (id: number, promptTokens: number): Answer => ({
  ...{ id, kind: 'error', code: 'prompt_too_long', message: 'prompt_too_long', promptTokens },
})

/** Never the message: it might quote a prompt. */
const nameOf = (error: unknown) => (error instanceof Error ? error.name : typeof error)
