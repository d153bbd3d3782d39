/** Tokens of the operator's system prompts as requests begin with them. Pure. */
import { TooManyTokens } from './bounded-tokenizer.ts'
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

/** Characters in whose tokens an opening shows: tokenizing a long text twelve times would keep a start waiting. */
const END = 256
/** Tokens before an opening that an end must have in common with its whole text. */
const ANCHOR = 8

/** The longest token prefix of all requests with this system prompt, or why there is none of use. */
export function systemPromptTokens(
  text: string,
  { chat, text: plain }: Tokenizers,
  { least, most }: { least: number; most: number },
): number[] | UnusedCause {
  const ask = (content: string) => (opening: string) =>
    chat === undefined
      ? plain(content + opening)
      : chat([
          { role: 'system', content },
          { role: 'user', content: opening },
        ])
  let tokens: number[]
  try {
    tokens = prefixByEnd(text, ask) ?? OPENINGS.map(ask(text)).reduce(commonPrefix)
  } catch (error) {
    return error instanceof TooManyTokens ? 'too_long' : 'template_refused'
  }
  if (tokens.length > most) return 'too_long'
  return tokens.length < least ? 'too_short' : tokens
}

/** Tokenizes a long text once, and its end with each opening. Undefined: the end does not stand for the text. */
function prefixByEnd(
  text: string,
  ask: (content: string) => (opening: string) => number[],
): number[] | undefined {
  if (text.length <= END) return undefined
  const ends = OPENINGS.map(ask(text.slice(-END)))
  const [whole, end = []] = [ask(text)(OPENINGS[0]!), ends[0]]
  const changed = end.length - ends.reduce(commonPrefix).length
  const [ofWhole, ofEnd] = [whole, end].map((tokens) => tokens.slice(-(changed + ANCHOR)))
  const anchored = ofWhole!.every((token, at) => token === ofEnd![at])
  return anchored ? whole.slice(0, whole.length - changed) : undefined
}

function commonPrefix(a: number[], b: number[]): number[] {
  const differs = a.findIndex((token, at) => token !== b[at])
  return differs < 0 ? a : a.slice(0, differs)
}
