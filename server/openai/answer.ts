/** OpenAI's JSON of an answer, whole or in chunks; one object a kind of endpoint. */
export interface AnswerHead {
  id: string
  /** Unix seconds. */
  created: number
  model: string
  system_fingerprint: string
}

export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details: { cached_tokens: number }
}

export type FinishReason = 'stop' | 'length'

export interface AnswerFormat {
  idPrefix: string
  whole(head: AnswerHead, text: string, finish: FinishReason, usage: Usage): object
  /** Chunk before the first text, if the kind has one. */
  first(head: AnswerHead): object | undefined
  text(head: AnswerHead, text: string): object
  last(head: AnswerHead, finish: FinishReason): object
  usage(head: AnswerHead, usage: Usage): object
}

const chatChunk = (head: AnswerHead, delta: object, finish: FinishReason | null) => ({
  ...{ id: head.id, object: 'chat.completion.chunk', created: head.created, model: head.model },
  system_fingerprint: head.system_fingerprint,
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
})

export const chatFormat: AnswerFormat = {
  idPrefix: 'chatcmpl-',
  whole: (head, content, finish, usage) => ({
    ...{ id: head.id, object: 'chat.completion', created: head.created, model: head.model },
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null },
        logprobs: null,
        finish_reason: finish,
      },
    ],
    usage,
    system_fingerprint: head.system_fingerprint,
  }),
  first: (head) => chatChunk(head, { role: 'assistant', content: '' }, null),
  text: (head, content) => chatChunk(head, { content }, null),
  last: (head, finish) => chatChunk(head, {}, finish),
  usage: (head, usage) => ({ ...chatChunk(head, {}, null), choices: [], usage }),
}

const textChunk = (head: AnswerHead, text: string, finish: FinishReason | null) => ({
  ...{ id: head.id, object: 'text_completion', created: head.created, model: head.model },
  system_fingerprint: head.system_fingerprint,
  choices: [{ index: 0, text, logprobs: null, finish_reason: finish }],
})

export const completionFormat: AnswerFormat = {
  idPrefix: 'cmpl-',
  whole: (head, text, finish, usage) => ({ ...textChunk(head, text, finish), usage }),
  first: () => undefined,
  text: (head, text) => textChunk(head, text, null),
  last: (head, finish) => textChunk(head, '', finish),
  usage: (head, usage) => ({ ...textChunk(head, '', null), choices: [], usage }),
}

export const usageOf = (prompt: number, completion: number, cached: number): Usage => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
  prompt_tokens_details: { cached_tokens: cached },
})
