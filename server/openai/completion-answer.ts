/** OpenAI's JSON of a plain completion, whole or in chunks. */
import type { AnswerHead, Usage } from './answer-head.ts'
import { completionLogprobs } from './logprobs.ts'
import type { TokenLikelihood } from './logprobs.ts'

export type CompletionFinish = 'stop' | 'length'

/** A choice, or a piece of one. */
export interface CompletionPart {
  index: number
  text: string
  finish: CompletionFinish | null
  /** Of the part's tokens, and where in the choice the text of each begins; undefined: not told. */
  logprobs: { tokens: readonly TokenLikelihood[]; offsets: readonly number[] } | undefined
}

/** Both for the whole answer and for a chunk of it, which has no usage. */
export const completionBody = (
  head: AnswerHead,
  parts: readonly CompletionPart[],
  usage?: Usage,
) => ({
  ...{ id: head.id, object: 'text_completion', created: head.created, model: head.model },
  system_fingerprint: head.system_fingerprint,
  choices: parts.map(({ index, text, finish, logprobs }) => ({
    ...{ index, text },
    logprobs: logprobs === undefined ? null : completionLogprobs(logprobs.tokens, logprobs.offsets),
    finish_reason: finish,
  })),
  ...(usage === undefined ? {} : { usage }),
})
