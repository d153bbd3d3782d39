import type { AnswerPart } from '../engine.ts'
import { GrammarTooLarge, GrammarWriter, literal } from './grammar-writer.ts'
import { classOf, complement } from './character-class.ts'
import type { Range } from './character-class.ts'
import { SchemaError } from './schema-error.ts'
import { schemaGrammar } from './schema-grammar.ts'

/** Longer ones hold up everybody's answers. */
const MOST_MS = 100

/**
 * The grammar (GBNF) of an answer of these parts, one after the other. Throws SchemaError, also where
 * the grammar would become too large or take too long.
 */
export function answerGrammar(parts: readonly AnswerPart[], now = () => performance.now()): string {
  const until = now() + MOST_MS
  const writer = new GrammarWriter(() => {
    if (now() > until) throw new GrammarTooLarge()
  })
  try {
    return writer.text(sequence(writer, parts))
  } catch (error) {
    if (!(error instanceof GrammarTooLarge)) throw error
    throw new SchemaError('', 'a schema that allows fewer things')
  }
}

function sequence(writer: GrammarWriter, parts: readonly AnswerPart[]): string {
  return parts
    .map((part) => expressionOf(writer, part))
    .filter((each) => each !== '')
    .join(' ')
}

function expressionOf(writer: GrammarWriter, part: AnswerPart): string {
  if ('text' in part) return literal(part.text)
  if ('json' in part) return schemaGrammar(writer, part.json)
  if ('textBefore' in part) return textBefore(writer, part.textBefore)
  if ('repeat' in part) return writer.repeated(sequence(writer, part.repeat), 0, undefined)
  return writer.either(part.oneOf.map((parts) => sequence(writer, parts) || '""'))
}

/**
 * Any text up to the first occurrence of `end`, and without it: one rule for each beginning of `end` that
 * the text may end with so far (Knuth, Morris and Pratt's automaton).
 */
function textBefore(writer: GrammarWriter, end: string): string {
  const characters = Array.from(end)
  const names = characters.map(() => writer.reserve())
  for (const [state, name] of names.entries()) {
    // After a character that goes on with `end`, or begins it anew, it is another state's turn.
    const next = new Map<string, number>()
    for (const character of new Set(characters)) {
      next.set(character, stateAfter(characters, state, character))
    }
    const ways = [...next]
      .filter(([, to]) => to < characters.length)
      .map(([character, to]) => `${literal(character)} ${names[to] ?? ''}`)
    const known = [...next.keys()].map((each): Range => [codeOf(each), codeOf(each)])
    const others = `${classOf(complement([...known, [0, 0]])) ?? ''} ${names[0] ?? ''}`
    writer.define(name, [...ways, others, '""'].join(' | '))
  }
  return names[0] ?? ''
}

const codeOf = (character: string) => character.codePointAt(0) ?? 0

/** How much of `end` the text ends with, after `state` characters of it and one more. */
function stateAfter(end: readonly string[], state: number, character: string): number {
  const read = [...end.slice(0, state), character]
  for (let length = Math.min(read.length, end.length); length > 0; length--) {
    if (read.slice(-length).every((each, index) => each === end[index])) return length
  }
  return 0
}
