/** The header beside a saved system prompt, and when a state is refused. Pure. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Tokens } from './token-run.ts'

/** What a state was made by. A state of any other is worth nothing here. */
export const StateMakerSchema = z.strictObject({
  /** Digest of the model's file. */
  model: z.string(),
  /** Which build of the engine: llama.cpp's commit and the addon's digest. */
  build: z.string(),
  /** Which CPU or accelerator, with the instructions that it has. */
  host: z.string(),
  /** Parameters of the context that shape keys and values: their types, flash attention, window. */
  context: z.string(),
})
export type StateMaker = z.infer<typeof StateMakerSchema>

const HeaderSchema = StateMakerSchema.extend({
  format: z.literal(1),
  /** Also the file's name: a file that was copied to another name is refused. */
  name: z.string(),
  bytes: z.int().positive(),
  sha256: z.string(),
})
export type Header = z.infer<typeof HeaderSchema>

export type RefusalCause =
  | 'incomplete'
  | 'unreadable'
  | 'renamed'
  | 'other_model'
  | 'other_build'
  | 'other_host'
  | 'other_context'
  | 'truncated'
  | 'damaged'

export interface SystemPrompt {
  /** Digest of the adapter; `none` without one. */
  adapter: string
  tokens: Tokens
}

/** Any difference in maker, adapter or tokens is another name. */
export function stateName(maker: StateMaker, { adapter, tokens }: SystemPrompt): string {
  const { model, build, host, context } = maker
  return createHash('sha256')
    .update(JSON.stringify([1, model, build, host, context, adapter]))
    .update(Uint32Array.from(tokens))
    .digest('hex')
}

/** Why the state cannot be used as far as its header and size tell; undefined: its digest decides. */
export function refusal(
  maker: StateMaker,
  name: string,
  header: string | undefined,
  bytes: number | undefined,
): RefusalCause | undefined {
  if (header === undefined || bytes === undefined) return 'incomplete'
  const parsed = parseHeader(header)
  if (parsed === undefined) return 'unreadable'
  if (parsed.name !== name) return 'renamed'
  if (parsed.model !== maker.model) return 'other_model'
  if (parsed.build !== maker.build) return 'other_build'
  if (parsed.host !== maker.host) return 'other_host'
  if (parsed.context !== maker.context) return 'other_context'
  return parsed.bytes === bytes ? undefined : 'truncated'
}

export function parseHeader(text: string): Header | undefined {
  try {
    return HeaderSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
