import { randomBytes } from 'node:crypto'
import { Template } from '@huggingface/jinja'
import type { ChatMessage } from './engine.ts'

/** What rendering needs to know of a model's tokens. */
export interface Vocabulary {
  /** `special`: text such as `<|im_end|>` becomes its control token. */
  tokenize(text: string, special: boolean): number[]
  isSpecial(token: number): boolean
  bosText: string
  eosText: string
}

/** `not_parsed`: it is no template; `not_rendered`: it fails with the messages that it was given. */
export type TemplateCause = 'not_parsed' | 'not_rendered'

/** `path`: the file and its key; `detail`: what is wrong with the template. */
export interface TemplateWarning {
  event: 'chat_template_unusable'
  cause: TemplateCause
  path: string
  detail: string
}

/** The message is that of the template's library and may quote messages: of a client's it is not told. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  override readonly cause: TemplateCause

  constructor(cause: TemplateCause, error: unknown) {
    super(error instanceof Error ? error.message : 'unknown')
    this.cause = cause
  }
}

/**
 * Renders messages through the model file's own template. Text of a client can never become a control
 * token: where it would, its parts are tokenized as plain text, apart from the template's.
 */
export class ChatTokens {
  readonly #template: Template
  readonly #vocabulary: Vocabulary

  /** Throws TemplateError: it is no template, or not even one question of a user can be rendered. */
  constructor(template: string, vocabulary: Vocabulary) {
    this.#template = attempt('not_parsed', () => new Template(template))
    this.#vocabulary = vocabulary
    this.#render([{ role: 'user', content: 'x' }])
  }

  /** Throws TemplateError `not_rendered`: the template refuses these messages. */
  tokenize(messages: readonly ChatMessage[]): number[] {
    // Whole text first: this is how the model was trained, merges across the parts' borders included.
    const whole = this.#vocabulary.tokenize(this.#render(messages), true)
    const harmless = messages.map((message) => ({ ...message, content: 'x' }))
    const expected = this.#vocabulary.tokenize(this.#render(harmless), true)
    if (this.#countSpecial(whole) === this.#countSpecial(expected)) return whole
    return this.#tokenizeApart(messages)
  }

  #tokenizeApart(messages: readonly ChatMessage[]): number[] {
    const marks = messages.map(() => randomBytes(16).toString('hex'))
    const rendered = this.#render(
      messages.map((message, index) => ({ ...message, content: marks[index] ?? '' })),
    )
    const tokens: number[] = []
    let at = 0
    for (const [index, mark] of marks.entries()) {
      const found = rendered.indexOf(mark, at)
      if (found < 0) continue
      tokens.push(...this.#vocabulary.tokenize(rendered.slice(at, found), true))
      tokens.push(...this.#vocabulary.tokenize(messages[index]?.content ?? '', false))
      at = found + mark.length
    }
    return tokens.concat(this.#vocabulary.tokenize(rendered.slice(at), true))
  }

  #render(messages: readonly ChatMessage[]): string {
    return attempt('not_rendered', () =>
      this.#template.render({
        messages: messages.map(({ role, content }) => ({ role, content })),
        add_generation_prompt: true,
        bos_token: this.#vocabulary.bosText,
        eos_token: this.#vocabulary.eosText,
      }),
    )
  }

  #countSpecial(tokens: readonly number[]): number {
    return tokens.filter((token) => this.#vocabulary.isSpecial(token)).length
  }
}

function attempt<Result>(cause: TemplateCause, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw new TemplateError(cause, error)
  }
}
