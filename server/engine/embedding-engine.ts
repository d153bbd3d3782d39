import type { EmbeddingContext } from './embedding-context.ts'
import type { Answer } from './protocol.ts'

/** What happened since the last one. */
export interface EmbeddingRound {
  answers: Answer[]
  /** A prompt was read. */
  stepped: boolean
  running: number
  waiting: number
}

interface EmbeddingEngineOptions {
  context: Pick<EmbeddingContext, 'embed'>
  /** A token that any prompt may begin with. */
  start: number
  maxQueued: number
  report: (round: EmbeddingRound) => void
}

/** Makes vectors, one prompt after another in the order in which they came: each takes a step. */
export class EmbeddingEngine {
  readonly #options: EmbeddingEngineOptions
  #waiting: { id: number; prompt: readonly number[] }[] = []
  #probes: number[] = []
  #wake: () => void = () => undefined
  #reading = false

  constructor(options: EmbeddingEngineOptions) {
    this.#options = options
  }

  /** What becomes of it is reported under `id`. */
  submit(id: number, prompt: readonly number[]): void {
    // One is read and so many wait.
    if (this.#waiting.length + (this.#reading ? 1 : 0) > this.#options.maxQueued) {
      const code = 'queue_full'
      return this.#report([{ id, kind: 'error', code, message: code, retryAfterS: 1 }], false)
    }
    this.#waiting.push({ id, prompt })
    this.#wake()
  }

  /** One that is being read is not stopped: it takes no longer than a step. */
  cancel(id: number): void {
    this.#waiting = this.#waiting.filter((each) => each.id !== id)
  }

  /** Its end is reported when a prompt was read. */
  probe(id: number): void {
    this.#probes.push(id)
    this.#wake()
  }

  /** Never ends; throws when native code fails. */
  async run(): Promise<never> {
    while (true) {
      const next = this.#waiting.shift()
      const probes = this.#probes.splice(0)
      if (next === undefined && probes.length === 0) {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        continue
      }
      this.#reading = true
      const vector = await this.#options.context.embed(next?.prompt ?? [this.#options.start])
      this.#reading = false
      const ended = probes.map((id): Answer => ({ id, kind: 'end' }))
      this.#report(next === undefined ? ended : [vectorAnswer(next.id, vector), ...ended], true)
    }
  }

  #report(answers: Answer[], stepped: boolean): void {
    const [running, waiting] = [this.#reading ? 1 : 0, this.#waiting.length]
    this.#options.report({ answers, stepped, running, waiting })
  }
}

function vectorAnswer(id: number, vector: Float32Array): Answer {
  if (!vector.every(Number.isFinite)) {
    return { id, kind: 'error', code: 'failed', message: 'a vector of no numbers' }
  }
  const { buffer, byteOffset, byteLength } = vector
  const base64 = Buffer.from(buffer, byteOffset, byteLength).toString('base64')
  return { id, kind: 'vector', base64 }
}
