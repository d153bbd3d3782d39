import type { ForcedPart } from './forced-part.ts'
import type { ValueTypes } from './value-schema.ts'

/**
 * How a family of models writes its answers. Texts are as its chat template writes them, with its
 * newlines: calls are forced in this form. A reader takes any white space between the parts.
 */
export interface OutputFormat {
  readonly family: string
  /** Around the content, where it is marked: also without any, and the prompt may have begun it. */
  readonly content?: Pair
  /** Absent: the model does not mark its reasoning. */
  readonly reasoning?: ReasoningFormat
  /** Absent: the family has no form of calls. */
  readonly calls?: CallFormat
  /** Ids of calls, where the model reads them again; absent: any will do. */
  readonly callId?: (name: string, number: number) => string
  /** Stand around parts of an answer and are no text of it. */
  readonly frames: readonly string[]
  /**
   * Texts of the above that may be special tokens of the model: an engine that hides special tokens
   * must give these as text.
   */
  readonly markers: readonly string[]
}

/** Texts around something. */
export interface Pair {
  readonly begin: string
  readonly end: string
}

export interface ReasoningFormat extends Pair {
  /** false: only the beginning of an answer may be reasoning; later, `begin` is text. */
  readonly anywhere: boolean
}

export interface CallFormat {
  /** Around the calls of an answer; empty: nothing is. */
  readonly section: Pair
  readonly perSection: 'one' | 'many'
  /** Between two sections, or between two calls of a section with many. */
  readonly between: string
  /** Where calls are accepted without the beginning of a section. */
  readonly bare: 'nowhere' | 'anywhere' | 'at-start'
  /** A call that comes within reasoning ends it; else it is a thought. */
  readonly endReasoning: boolean
  readonly call: ObjectCall | NamedCall
}

/** The whole call is one JSON object. */
export interface ObjectCall {
  readonly kind: 'object'
  readonly argumentsKey: 'arguments' | 'parameters'
}

/** The name stands in a head; arguments follow; then `ends`, which models may leave out. */
export interface NamedCall {
  readonly kind: 'named'
  readonly head: Head
  readonly arguments: JsonArguments | TaggedArguments | BracedArguments
  readonly ends: readonly string[]
}

/** `before` prefix NAME `after` attributes `open` */
export interface Head {
  readonly before: string
  /** Part of the written name that is no part of the name. */
  readonly prefix?: string
  readonly after: string
  /** Empty: no attributes either. */
  readonly open: string
  /** Absent: white space. */
  readonly attributes?: Attributes
}

export interface Attributes {
  /** What may stand there, as a whole; its first group is what `types` reads. */
  readonly pattern: RegExp
  write(types: ValueTypes): readonly ForcedPart[]
  /** Types of the value that follows, where attributes say them. */
  types?(value: string): ValueTypes
}

/** A JSON object. */
export interface JsonArguments {
  readonly kind: 'json'
}

/** Each argument between tags: strings as they are, other values as JSON. */
export interface TaggedArguments {
  readonly kind: 'tagged'
  readonly key: Head
  /** `KEY` in it stands for the argument's name. */
  readonly close: string
  /** Objects and lists are tags within tags; a list's items are named `item`. */
  readonly nested: boolean
  /** `&amp;` and `&quot;` stand in names for what HTML means by them. */
  readonly entities: boolean
}

/** An object whose keys are bare and whose strings stand between `quote`s. */
export interface BracedArguments {
  readonly kind: 'braced'
  readonly quote: string
}
