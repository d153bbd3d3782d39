/** Texts of requests as tokens of the model, or why there are none. */
import { boundedTokenizer, TooManyTokens } from './bounded-tokenizer.ts'
import { ChatTokens, TemplateError } from './chat-tokens.ts'
import type { TemplateWarning } from './chat-tokens.ts'
import type { Chat, ChatPrompt } from './engine.ts'
import type { LoadedModel } from './load-model.ts'
import type { Answer, EngineOptions, ToEngine } from './protocol.ts'
import type { Tokenizers } from './system-prompt-tokens.ts'

export interface ModelTokenizers extends Tokenizers {
  /** undefined: see `noChat`. */
  chatPrompt: ((chat: Chat) => ChatPrompt) | undefined
  /** Of a text, without the model's first token. */
  bare: (text: string) => number[]
  /** The texts of tokens, one by one. */
  texts: (tokens: readonly number[]) => string[]
  /** The text of tokens together, control tokens included. */
  detokenize: (tokens: readonly number[]) => string
  /** Why `chat` is undefined, if it is. */
  noChat: 'no_chat_template' | 'chat_template_unusable'
  /** Tokens of the vocabulary: the ids below this. */
  size: number
}

const MOST_DETAIL = 200

/** A model whose template cannot be used completes prompts all the same: then `warn` says what is wrong. */
export function tokenizersOf(
  loaded: Pick<LoadedModel, 'chatTemplate' | 'vocabulary' | 'compileTemplate'>,
  { file, contextSize }: Pick<EngineOptions, 'file' | 'contextSize'>,
  warn: (warning: TemplateWarning) => void,
): ModelTokenizers {
  const { chatTemplate, vocabulary } = loaded
  const tokenize = boundedTokenizer((...text) => vocabulary.tokenize(...text), contextSize)
  const { bosText, eosText, size } = vocabulary
  const isSpecial = (token: number) => vocabulary.isSpecial(token)
  const controlText = (token: number) => vocabulary.controlText(token)
  let chat: ChatTokens | undefined
  try {
    const bounded = { tokenize, isSpecial, controlText, bosText, eosText }
    const compile = () => loaded.compileTemplate(chatTemplate ?? '')
    chat = chatTemplate === undefined ? undefined : new ChatTokens(compile, bounded)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    const path = `${file}, tokenizer.chat_template`
    const detail = error.message.slice(0, MOST_DETAIL)
    warn({ event: 'chat_template_unusable', cause: error.cause, path, detail })
  }
  const chatPrompt =
    chat &&
    ((asked: Chat) => {
      const { tokens, tail } = chat.tokenize(asked)
      return { tokens: vocabulary.withBos(tokens), tail }
    })
  return {
    chatPrompt,
    chat: chatPrompt && ((messages) => chatPrompt({ messages, tools: [], variables: {} }).tokens),
    bare: (text) => tokenize(text, true),
    texts: (tokens) => tokens.map((token) => vocabulary.shownText([token])),
    detokenize: (tokens) => vocabulary.shownText(tokens),
    // A client of /v1/completions writes the whole prompt itself, control tokens included.
    text: (text) => vocabulary.withBos(tokenize(text, true)),
    noChat: chatTemplate === undefined ? 'no_chat_template' : 'chat_template_unusable',
    size,
  }
}

/** Asks of texts and tokens, which need no slot. */
export type TextAsk = Extract<
  ToEngine,
  { kind: 'tokenizeChat' | 'tokenizePrompt' | 'textsOf' | 'detokenize' }
>

/** Never throws. */
export function tokensFor(message: TextAsk, tokenizers: ModelTokenizers): Answer {
  const { id } = message
  try {
    return answerFor(message, tokenizers)
  } catch (error) {
    if (error instanceof TooManyTokens) return tooLong(id, error.tokens)
    if (error instanceof TemplateError) return refused(id, 'messages_refused')
    return { id, kind: 'error', code: 'failed', message: nameOf(error) }
  }
}

function answerFor(message: TextAsk, tokenizers: ModelTokenizers): Answer {
  const { id } = message
  const { chatPrompt, noChat, text, size } = tokenizers
  const areKnown = (tokens: readonly number[]) => tokens.every((token) => token < size)
  switch (message.kind) {
    case 'tokenizeChat':
      if (chatPrompt === undefined) return refused(id, noChat)
      return { id, kind: 'chat', ...chatPrompt(message.chat) }
    case 'tokenizePrompt': {
      const { prompt, withStart } = message
      if (typeof prompt === 'string') {
        return { id, kind: 'tokens', tokens: withStart ? text(prompt) : tokenizers.bare(prompt) }
      }
      if (!areKnown(prompt)) return refused(id, 'invalid_tokens')
      return { id, kind: 'tokens', tokens: [...prompt] }
    }
    case 'textsOf':
      if (!areKnown(message.tokens)) return refused(id, 'invalid_tokens')
      return { id, kind: 'texts', texts: tokenizers.texts(message.tokens) }
    case 'detokenize':
      if (!areKnown(message.tokens)) return refused(id, 'invalid_tokens')
      return { id, kind: 'texts', texts: [tokenizers.detokenize(message.tokens)] }
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
