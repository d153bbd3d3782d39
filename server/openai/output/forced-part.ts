import type { JsonSchema } from './tool.ts'

/** One part of what an answer must be when a call is forced: what a grammar is made from. */
export type ForcedPart =
  | { readonly text: string }
  /** A JSON value of this schema. */
  | { readonly json: JsonSchema }
  /** Any text in which this does not occur; the next part begins with it. */
  | { readonly textBefore: string }
  | { readonly oneOf: readonly (readonly ForcedPart[])[] }
  /** Any number of times, also none. */
  | { readonly repeat: readonly ForcedPart[] }

/** Schemas within schemas at most: those that refer to themselves have no end. */
export const MAX_DEPTH = 8

export function choice(alternatives: readonly (readonly ForcedPart[])[]): ForcedPart[] {
  const [first] = alternatives
  if (first !== undefined && alternatives.length === 1) return [...first]
  return [{ oneOf: alternatives.map(joined) }]
}

export const optional = (parts: readonly ForcedPart[]): ForcedPart => ({
  oneOf: [[], joined(parts)],
})

/** Texts that follow each other are one. */
export function joined(parts: readonly ForcedPart[]): ForcedPart[] {
  const result: ForcedPart[] = []
  for (const part of parts) {
    const last = result.at(-1)
    if ('text' in part && part.text === '') continue
    if ('text' in part && last !== undefined && 'text' in last) {
      result[result.length - 1] = { text: last.text + part.text }
    } else result.push(part)
  }
  return result
}
