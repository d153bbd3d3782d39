/** Tokens of the operator's system prompts as requests begin with them. Pure. */
import type { ChatMessage } from './engine.ts'

export interface Tokenizers {
  /** Undefined: the model has no template, and a prompt is plain text. */
  chat: ((messages: readonly ChatMessage[]) => number[]) | undefined
  text: (text: string) => number[]
}

export type UnusedCause = 'template_refused' | 'too_short' | 'too_long'

/**
 * Beginnings of what a user may write. A tokenizer joins some of them with the text before, so that a
 * token is no part of the prefix: what all of these have in common comes before any user's text.
 */
const OPENINGS = ['a', 'The', ' b', '1', '\n', '\n\n', '.', '#', '"', 'é', 'ก', '中']

/** The longest token prefix of all requests with this system prompt, or why there is none of use. */
export function systemPromptTokens(
  text: string,
  { chat, text: plain }: Tokenizers,
  { least, most }: { least: number; most: number },
): number[] | UnusedCause {
  const ask = (opening: string) =>
    chat === undefined
      ? plain(text + opening)
      : chat([
          { role: 'system', content: text },
          { role: 'user', content: opening },
        ])
  let tokens: number[]
  try {
    tokens = OPENINGS.map(ask).reduce(commonPrefix)
  } catch {
    return 'template_refused'
  }
  if (tokens.length > most) return 'too_long'
  return tokens.length < least ? 'too_short' : tokens
}

function commonPrefix(a: number[], b: number[]): number[] {
  const differs = a.findIndex((token, at) => token !== b[at])
  return differs < 0 ? a : a.slice(0, differs)
}
