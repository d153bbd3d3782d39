import type { AnswerPart } from './engine.ts'
import { answerGrammar } from './grammar/answer-grammar.ts'
import { SchemaError } from './grammar/schema-error.ts'
import type { Bindings, NativeGrammar, NativeGrammarState, NativeModel } from './native.ts'

/** What one client asks for again and again is among the last few; nothing of it lies anywhere else. */
const MOST_KEPT = 32
const MOST_KEPT_CHARACTERS = 4 << 20

interface Compiled {
  grammar: NativeGrammar
  /** At the grammar's beginning: copied for each answer, which is quicker than reading the text again. */
  beginning: NativeGrammarState
  characters: number
}

/** Grammars of what answers must be, compiled and kept for the next answer that must be the same. */
export class Grammars {
  readonly #bindings: Bindings
  readonly #model: NativeModel
  /** By the parts' JSON; the one that was asked for last comes last. */
  readonly #kept = new Map<string, Compiled>()
  #characters = 0

  constructor(bindings: Bindings, model: NativeModel) {
    this.#bindings = bindings
    this.#model = model
  }

  /** Throws SchemaError. */
  stateFor(parts: readonly AnswerPart[]): NativeGrammarState {
    const key = JSON.stringify(parts)
    const compiled = this.#kept.get(key) ?? this.#compiled(parts)
    this.#keep(key, compiled)
    return new this.#bindings.AddonGrammarEvaluationState(compiled.beginning)
  }

  #compiled(parts: readonly AnswerPart[]): Compiled {
    const text = answerGrammar(parts)
    try {
      const grammar = new this.#bindings.AddonGrammar(text, { addonExports: this.#bindings })
      const beginning = new this.#bindings.AddonGrammarEvaluationState(this.#model, grammar)
      return { grammar, beginning, characters: text.length }
    } catch (error) {
      // Such as a pattern that may be empty and is repeated: a loop without an end.
      throw new SchemaError('', 'a schema whose grammar this engine can follow', { cause: error })
    }
  }

  #keep(key: string, compiled: Compiled): void {
    if (this.#kept.delete(key)) this.#characters -= key.length + compiled.characters
    this.#kept.set(key, compiled)
    this.#characters += key.length + compiled.characters
    for (const [oldest, { characters }] of this.#kept) {
      if (this.#kept.size <= MOST_KEPT && this.#characters <= MOST_KEPT_CHARACTERS) return
      if (oldest === key) return
      this.#kept.delete(oldest)
      this.#characters -= oldest.length + characters
    }
  }
}
