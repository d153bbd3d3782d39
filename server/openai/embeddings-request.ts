import { z } from 'zod'
import { promptsField, promptsOf } from './completion-request.ts'
import type { Prompt } from './completion-request.ts'
import { wholeFrom } from './numbers.ts'
import { parseBody } from './parse.ts'
import type { Parsed } from './parse.ts'

export const EmbeddingsBodySchema = z.object(
  {
    model: z.string('the id of a model').min(1, 'the id of a model'),
    input: promptsField,
    encoding_format: z.enum(['float', 'base64'], '"float" or "base64"').nullish(),
    /** Fewer numbers of each vector, its first ones: for models that were trained for it. */
    dimensions: wholeFrom(1, 65_536).nullish(),
    user: z.string('a string').nullish(),
  },
  'a JSON object',
)

export interface EmbeddingsRequest {
  model: string
  inputs: readonly Prompt[]
  encoding: 'float' | 'base64'
  dimensions: number | undefined
}

export function parseEmbeddingsRequest(body: unknown): Parsed<EmbeddingsRequest> {
  const parsed = parseBody(EmbeddingsBodySchema, body)
  if (!parsed.ok) return parsed
  const { model, input, encoding_format: encoding, dimensions } = parsed.value
  return {
    ok: true,
    value: {
      ...{ model, inputs: promptsOf(input) },
      ...{ encoding: encoding ?? 'float', dimensions: dimensions ?? undefined },
    },
  }
}
