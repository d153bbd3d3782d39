import type { DecodeThreads } from './decode-threads.ts'
import type { NativeContext } from './native.ts'

/** A context that makes vectors. `embed` calls run one after the other: native code holds one prompt. */
export class EmbeddingContext {
  readonly #native: NativeContext
  readonly #threads: DecodeThreads | undefined

  constructor(native: NativeContext, threads?: DecodeThreads) {
    this.#native = native
    this.#threads = threads
  }

  /** Of length 1; of all zeros where the model gives nothing. */
  async embed(prompt: readonly number[]): Promise<Float32Array> {
    if (this.#threads !== undefined) this.#native.setThreads(this.#threads.next())
    const tokens = Uint32Array.from(prompt)
    this.#native.initBatch(tokens.length)
    // Pooling takes every token in.
    this.#native.addToBatch(0, 0, tokens, Uint32Array.from(tokens.keys()))
    await this.#native.decodeBatch()
    const vector = Float32Array.from(this.#native.getEmbedding(tokens.length))
    this.#native.disposeSequence(0)
    const length = Math.hypot(...vector)
    return length === 0 ? vector : vector.map((value) => value / length)
  }
}
