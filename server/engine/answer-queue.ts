/** Hands values from callbacks to one async reader; bounded by what the producer may send. */
export class AnswerQueue<T> {
  readonly #items: T[] = []
  #done = false
  #failure: Error | undefined
  #wake: (() => void) | undefined

  push(item: T): void {
    if (this.#done) return
    this.#items.push(item)
    this.#wake?.()
  }

  end(): void {
    this.#done = true
    this.#wake?.()
  }

  fail(error: Error): void {
    if (this.#done) return
    this.#failure = error
    this.end()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    while (true) {
      const item = this.#items.shift()
      if (item !== undefined) {
        yield item
        continue
      }
      if (this.#failure !== undefined) throw this.#failure
      if (this.#done) return
      await new Promise<void>((resolve) => (this.#wake = resolve))
      this.#wake = undefined
    }
  }
}
