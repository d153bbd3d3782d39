/** OpenAI's JSON of a chat's answer, whole or in chunks. */
import type { AnswerHead, Usage } from './answer-head.ts'
import { chatLogprobs } from './logprobs.ts'
import type { TokenLikelihood } from './logprobs.ts'

export type ChatFinish = 'stop' | 'length' | 'tool_calls'

/** A part of an answer as it was understood: text, reasoning, or a piece of a call. */
export type ChatPart =
  | { kind: 'content' | 'reasoning'; text: string }
  | { kind: 'call'; index: number; id: string; name: string }
  | { kind: 'arguments'; index: number; text: string }

type Logprobs = readonly TokenLikelihood[] | undefined

const chunk = (
  head: AnswerHead,
  index: number,
  delta: object,
  finish: ChatFinish | null = null,
  logprobs?: Logprobs,
) => ({
  ...{ id: head.id, object: 'chat.completion.chunk', created: head.created, model: head.model },
  system_fingerprint: head.system_fingerprint,
  choices: [
    {
      ...{ index, delta },
      logprobs: logprobs === undefined ? null : chatLogprobs(logprobs),
      finish_reason: finish,
    },
  ],
})

/** Before the first part of a choice. */
export const firstChatChunk = (head: AnswerHead, index: number) =>
  chunk(head, index, { role: 'assistant', content: '' })

export const chatPartChunk = (
  head: AnswerHead,
  index: number,
  part: ChatPart | undefined,
  logprobs: Logprobs,
) => chunk(head, index, part === undefined ? {} : deltaOf(part), null, logprobs)

export const lastChatChunk = (head: AnswerHead, index: number, finish: ChatFinish) =>
  chunk(head, index, {}, finish)

export const chatUsageChunk = (head: AnswerHead, usage: Usage) => ({
  ...chunk(head, 0, {}),
  choices: [],
  usage,
})

function deltaOf(part: ChatPart): object {
  switch (part.kind) {
    case 'content':
      return { content: part.text }
    case 'reasoning':
      return { reasoning_content: part.text }
    case 'call': {
      const { index, id, name } = part
      return { tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }
    }
    case 'arguments':
      return { tool_calls: [{ index: part.index, function: { arguments: part.text } }] }
  }
}

interface Call {
  id: string
  type: 'function'
  function: { name: string; arguments: string }
}

/** A choice of a whole answer, from its parts. */
export class ChatChoice {
  readonly #calls: Call[] = []
  readonly #likelihoods: TokenLikelihood[] = []
  #content = ''
  #reasoning = ''

  add(part: ChatPart): void {
    switch (part.kind) {
      case 'content':
        this.#content += part.text
        break
      case 'reasoning':
        this.#reasoning += part.text
        break
      case 'call': {
        const { id, name } = part
        this.#calls[part.index] = { id, type: 'function', function: { name, arguments: '' } }
        break
      }
      case 'arguments': {
        const call = this.#calls[part.index]
        if (call !== undefined) call.function.arguments += part.text
      }
    }
  }

  addLogprobs(tokens: readonly TokenLikelihood[]): void {
    this.#likelihoods.push(...tokens)
  }

  json(index: number, finish: ChatFinish, withLogprobs: boolean): object {
    const hasCalls = this.#calls.length > 0
    return {
      index,
      message: {
        role: 'assistant',
        content: hasCalls && this.#content === '' ? null : this.#content,
        refusal: null,
        ...(this.#reasoning === '' ? {} : { reasoning_content: this.#reasoning }),
        ...(hasCalls ? { tool_calls: this.#calls } : {}),
      },
      logprobs: withLogprobs ? chatLogprobs(this.#likelihoods) : null,
      finish_reason: finish,
    }
  }
}

export const chatBody = (head: AnswerHead, choices: readonly object[], usage: Usage) => ({
  ...{ id: head.id, object: 'chat.completion', created: head.created, model: head.model },
  choices,
  usage,
  system_fingerprint: head.system_fingerprint,
})
