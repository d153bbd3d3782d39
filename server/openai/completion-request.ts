import { z } from 'zod'
import { parseBody } from './parse.ts'
import type { Parsed } from './parse.ts'
import { samplingFields, samplingOf } from './sampling.ts'
import type { Sampling } from './sampling.ts'
import { findUnsupported } from './unsupported.ts'

/** OpenAI's default for this route. */
const DEFAULT_MAX_TOKENS = 16

const promptRule = 'a non-empty string or list of token ids (lists of prompts are not supported)'
const CompletionBodySchema = z.object(
  {
    ...samplingFields,
    prompt: z.union(
      [
        z.string().min(1),
        z.array(z.int().min(0)).min(1),
        z.tuple([z.string().min(1)]).transform(([only]) => only),
      ],
      promptRule,
    ),
  },
  'a JSON object',
)

export interface CompletionRequest extends Sampling {
  model: string
  /** Text, or token ids as they are: nothing is put before them. */
  prompt: string | number[]
}

export function parseCompletionRequest(body: unknown): Parsed<CompletionRequest> {
  const parsed = parseBody(CompletionBodySchema, body)
  if (!parsed.ok) return parsed
  const problem = findUnsupported(body)
  if (problem !== undefined) return { ok: false, problem }
  const { model, prompt } = parsed.value
  const sampling = samplingOf(parsed.value)
  return {
    ok: true,
    value: { model, prompt, ...sampling, maxTokens: sampling.maxTokens ?? DEFAULT_MAX_TOKENS },
  }
}
