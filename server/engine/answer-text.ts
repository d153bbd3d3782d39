import { StopFilter } from './stop-filter.ts'
import type { Released } from './stop-filter.ts'
import { TextAssembler } from './text-assembler.ts'

/** From tokens to the text that may be sent: whole characters, and nothing of a stop string. */
export class AnswerText {
  readonly #words: TextAssembler
  readonly #stops: StopFilter

  constructor(
    detokenize: (tokens: number[], before: number[]) => string,
    stops: readonly string[],
  ) {
    this.#words = new TextAssembler(detokenize)
    this.#stops = new StopFilter(stops)
  }

  push(token: number): Released {
    return this.#stops.push(this.#words.push(token))
  }

  /** The answer ended: what was held back is text, unless it ends in a stop string. */
  flush(): Released {
    const { text, stopped } = this.#stops.push(this.#words.flush())
    return { text: stopped ? text : text + this.#stops.flush(), stopped }
  }
}
