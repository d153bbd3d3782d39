import { randomBytes } from 'node:crypto'
import { callShapeOf } from './call-shape.ts'
import type { CallShape } from './call-shape.ts'
import { chatVariables } from './chat-variables.ts'
import type { Rewrite } from './chat-variables.ts'
import type { Chat, ChatPrompt } from './engine.ts'
import { ExactNumbers } from './exact-numbers.ts'
import type { NativeTemplate } from './native.ts'

/** What rendering needs to know of a model's tokens. */
export interface Vocabulary {
  /** `special`: text such as `<|im_end|>` becomes its control token. */
  tokenize(text: string, special: boolean): number[]
  isSpecial(token: number): boolean
  /** Of a control token, as it is written. */
  controlText(token: number): string
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

/** The message is that of the template's renderer and may quote messages: of a client's it is not told. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  override readonly cause: TemplateCause

  constructor(cause: TemplateCause, error: unknown) {
    super(error instanceof Error ? error.message : 'unknown')
    this.cause = cause
  }
}

/** Characters at the end of a rendered chat that say what the answer begins with. */
const TAIL = 64
const unchanged: Rewrite = (text) => text

/**
 * Renders chats through the model file's own template. Text of a client can never become a control
 * token: where it would, it is tokenized as plain text, apart from what is around it.
 */
export class ChatTokens {
  readonly #template: NativeTemplate
  readonly #vocabulary: Vocabulary
  /** Found when the first calls are told. */
  #calls: CallShape | undefined

  /** Throws TemplateError: it is no template, or not even one question of a user can be rendered. */
  constructor(compile: () => NativeTemplate, vocabulary: Vocabulary) {
    this.#template = attempt('not_parsed', compile)
    this.#vocabulary = vocabulary
    this.#render(
      { messages: [{ role: 'user', content: 'x' }], tools: [], variables: {} },
      unchanged,
    )
  }

  /** Throws TemplateError `not_rendered`: the template refuses these messages. */
  tokenize(chat: Chat): ChatPrompt {
    // Whole text first: this is how the model was trained, merges across the parts' borders included.
    const text = this.#render(chat, unchanged)
    const tail = text.slice(-TAIL)
    const tokens = this.#vocabulary.tokenize(text, true)
    if (this.#controlsOf(tokens) === this.#ownControls(chat)) return { tokens, tail }
    return { tokens: this.#tokenizeApart(chat), tail }
  }

  /** Control tokens of the chat with other texts; undefined: the template minds, as where ids have a form. */
  #ownControls(chat: Chat): string | undefined {
    let count = 0
    let harmless: string
    try {
      harmless = this.#render(chat, (text) => (text === '' ? '' : `x${count++}`))
    } catch {
      return undefined
    }
    return this.#controlsOf(this.#vocabulary.tokenize(harmless, true))
  }

  /** Marks stand for control tokens that clients wrote, until the template has done its work. */
  #tokenizeApart(chat: Chat): number[] {
    const marked = new Map<string, string>()
    const rendered = this.#render(chat, (text) => this.#mark(text, marked))
    if (marked.size === 0) return this.#vocabulary.tokenize(rendered, true)
    const parts = rendered.split(new RegExp(`(${[...marked.keys()].join('|')})`))
    return parts.flatMap((part) => {
      const written = marked.get(part)
      return written === undefined
        ? this.#vocabulary.tokenize(part, true)
        : this.#vocabulary.tokenize(written, false)
    })
  }

  /** `text` with a mark in place of each control token that it would become. */
  #mark(text: string, marked: Map<string, string>): string {
    let [at, result] = [0, '']
    for (const token of this.#vocabulary.tokenize(text, true)) {
      if (!this.#vocabulary.isSpecial(token)) continue
      const written = this.#vocabulary.controlText(token)
      const found = written === '' ? -1 : text.indexOf(written, at)
      if (found < 0) continue
      const mark = randomBytes(16).toString('hex')
      marked.set(mark, written)
      result += text.slice(at, found) + mark
      at = found + written.length
    }
    return result + text.slice(at)
  }

  #render(chat: Chat, rewrite: Rewrite): string {
    const calls = () =>
      (this.#calls ??= callShapeOf((probe, shape) => this.#renderAs(probe, unchanged, () => shape)))
    return attempt('not_rendered', () => this.#renderAs(chat, rewrite, calls))
  }

  #renderAs(chat: Chat, text: Rewrite, calls: () => CallShape): string {
    const numbers = new ExactNumbers()
    const rendered = this.#template.render({
      ...chatVariables(chat, { text, numbers, calls }),
      bos_token: this.#vocabulary.bosText,
      eos_token: this.#vocabulary.eosText,
    })
    return numbers.restore(rendered)
  }

  #controlsOf(tokens: readonly number[]): string {
    return tokens.filter((token) => this.#vocabulary.isSpecial(token)).join()
  }
}

function attempt<Result>(cause: TemplateCause, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw new TemplateError(cause, error)
  }
}
