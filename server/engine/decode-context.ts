import type { DecodeThreads } from './decode-threads.ts'
import { likelihoodsOf } from './likelihoods.ts'
import type { WantedLikelihoods } from './likelihoods.ts'
import type {
  Bindings,
  NativeContext,
  NativeModel,
  NativeSampler,
  SamplerConfig,
} from './native.ts'

/** Rows of one slot in a batch. */
export interface Part {
  slot: number
  /** Of the first token in the slot. */
  position: number
  tokens: Uint32Array
  /** Present: a token is sampled after the last one. */
  sampler?: NativeSampler
  /** All tokens but the first are guesses: one is sampled after each, up to the first that differs. */
  draft?: true
  /** Of the tokens that are sampled. */
  likelihoods?: WantedLikelihoods
  /** Of tokens that are known to follow the first rows, one a row: those of a prompt. */
  known?: WantedLikelihoods & { tokens: readonly number[] }
  /** Fills a tile: its logits are computed, nothing is sampled, and its cell is dropped afterwards. */
  pad?: true
}

/** A part that a token is sampled for. */
interface Asked {
  sampler: NativeSampler
  /** Rows of its logits in the batch. */
  indexes: Uint32Array
  /** Expected after each row but the last. */
  guesses: Uint32Array
  likelihoods: WantedLikelihoods | undefined
}

/** Rows whose next tokens are known. */
interface Known {
  indexes: Uint32Array
  wanted: NonNullable<Part['known']>
}

const NOTHING = new Uint32Array(0)
export const NO_TOKEN = -1
/** Of libuv, which runs the native jobs. */
const ONE_WORKER = process.env['UV_THREADPOOL_SIZE'] === '1'
export const GREEDY: SamplerConfig = { temperature: 0, topP: 1, topK: 1, seed: 0 }

/**
 * One llama.cpp context with `slots` sequences. `decode` and the others that return a promise run one
 * after the other in native code: do not change a slot while one is under way.
 */
export class DecodeContext {
  readonly slots: number
  /** Tokens of one slot. */
  readonly contextSize: number
  /** Tokens of one batch. */
  readonly batchSize: number
  readonly #native: NativeContext
  readonly #bindings: Bindings
  readonly #model: NativeModel
  readonly #threads: DecodeThreads | undefined
  readonly #pool: NativeSampler[] = []
  /** Sources and targets of copies that native code makes at the next decode. */
  readonly #copied = new Set<number>()
  #copiesDue = 0

  constructor(
    bindings: Bindings,
    model: NativeModel,
    native: NativeContext,
    sizes: { slots: number; contextSize: number; batchSize: number },
    threads?: DecodeThreads,
  ) {
    this.#bindings = bindings
    this.#model = model
    this.#native = native
    this.#threads = threads
    this.slots = sizes.slots
    this.contextSize = sizes.contextSize
    this.batchSize = sizes.batchSize
  }

  /**
   * Decodes `parts`, which are in ascending slot order: llama.cpp splits a batch wherever the next
   * slot is not the next number. Returns the tokens of each part with a sampler, in their order: one, or
   * of a draft as many as came true and one; NO_TOKEN where the logits give none (they are not
   * numbers). What a slot holds beyond them is the caller's to drop.
   */
  async decode(parts: readonly Part[]): Promise<number[][]> {
    if (this.#threads !== undefined) this.#native.setThreads(this.#threads.next())
    this.#native.initBatch(parts.reduce((sum, { tokens }) => sum + tokens.length, 0))
    const asked: Asked[] = []
    const known: Known[] = []
    for (const { slot, position, tokens, sampler, draft, likelihoods, ...part } of parts) {
      const from = part.known !== undefined || draft === true ? 0 : tokens.length - 1
      const silent = sampler === undefined && part.pad === undefined && part.known === undefined
      const logits = silent
        ? NOTHING
        : Uint32Array.from({ length: tokens.length - from }, (_, at) => from + at)
      const indexes = this.#native.addToBatch(slot, position, tokens, logits)
      if (part.known !== undefined) known.push({ indexes, wanted: part.known })
      if (sampler === undefined) continue
      const first = draft === true ? 0 : tokens.length - 1
      asked.push({
        ...{ sampler, indexes: indexes.subarray(first - from), likelihoods },
        guesses: tokens.subarray(first + 1),
      })
    }
    const decoded = this.#native.decodeBatch()
    // One worker takes its jobs in order: sampling follows without a way through this thread.
    const sampling = ONE_WORKER ? this.#sample(asked, 0) : undefined
    // Where decoding fails, so does sampling; that nobody asks for it then is no error of its own.
    sampling?.catch(() => undefined)
    await decoded
    this.#copied.clear()
    this.#copiesDue = 0
    for (const { slot, position, pad } of parts) {
      if (pad !== undefined) this.truncate(slot, position)
    }
    const sampled = await this.#follow(asked, await (sampling ?? this.#sample(asked, 0)))
    await this.#tell(known, asked, sampled)
    return sampled
  }

  /** Fills in the likelihoods that are wanted. */
  async #tell(
    known: readonly Known[],
    asked: readonly Asked[],
    sampled: readonly number[][],
  ): Promise<void> {
    for (const { indexes, wanted } of known) {
      await this.#fill(wanted, Array.from(indexes), wanted.tokens)
    }
    for (const [at, { likelihoods, indexes }] of asked.entries()) {
      if (likelihoods === undefined) continue
      const tokens = (sampled[at] ?? []).filter((token) => token !== NO_TOKEN)
      await this.#fill(likelihoods, Array.from(indexes), tokens)
    }
  }

  async #fill(
    wanted: WantedLikelihoods,
    indexes: readonly number[],
    tokens: readonly number[],
  ): Promise<void> {
    const { top } = wanted
    const rows = { indexes: indexes.slice(0, tokens.length), tokens, top }
    wanted.rows.push(...(await likelihoodsOf(this.#native, () => this.#greedy(), rows)))
  }

  /** It keeps no state that matters. */
  #greedy(): NativeSampler {
    const sampler = this.takeSampler(GREEDY)
    this.returnSampler(sampler)
    return sampler
  }

  /** Row after row of those whose guesses come true. */
  async #follow(asked: readonly Asked[], first: readonly number[]): Promise<number[][]> {
    const sampled = first.map((token) => [token])
    for (let row = 1; ; row++) {
      const open = asked.flatMap(({ guesses }, at) => {
        const tokens = sampled[at] ?? []
        return tokens.length === row && tokens[row - 1] === guesses[row - 1] ? [at] : []
      })
      if (open.length === 0) return sampled
      const next = await this.#sample(
        open.map((at) => asked[at]!),
        row,
      )
      open.forEach((at, index) => sampled[at]?.push(next[index] ?? NO_TOKEN))
    }
  }

  /** A greedy token and the distance of its logit to the next best one's: how close to a tie it is. */
  async decodeWithMargin(part: Part): Promise<{ token: number; margin: number }> {
    const sampler = this.takeSampler(GREEDY)
    this.#native.initBatch(part.tokens.length)
    const logits = Uint32Array.of(part.tokens.length - 1)
    const [index] = this.#native.addToBatch(part.slot, part.position, part.tokens, logits)
    await this.#native.decodeBatch()
    const top: [number[], boolean, boolean, boolean, number] = [[], false, false, false, 2]
    const [token, , , found] = await this.#native.sampleToken(
      index ?? 0,
      sampler,
      false,
      false,
      top,
    )
    this.returnSampler(sampler)
    return { token, margin: (found?.[1] ?? Infinity) - (found?.[3] ?? -Infinity) }
  }

  /** Drops the cells of `slot` from `length` on. False: this model cannot drop a part. */
  truncate(slot: number, length: number): boolean {
    if (length === 0) {
      this.#native.disposeSequence(slot)
      return true
    }
    return this.#native.removeTokenCellsFromSequence(slot, length, -1)
  }

  /** Tokens whose keys and values `slot` holds. */
  lengthOf(slot: number): number {
    return this.#native.getSequenceKvCacheMaxPosition(slot) + 1
  }

  async copy(target: number, source: number): Promise<void> {
    this.#copied.add(source).add(target)
    this.#copiesDue++
    await this.#native.copySequenceStateFromOtherSequence(target, source)
  }

  /** true: until the next decode has copied from or to `slot`, it must be neither loaded nor saved. */
  isCopied(slot: number): boolean {
    return this.#copied.has(slot)
  }

  /** Copies that the next decode makes. */
  get copiesDue(): number {
    return this.#copiesDue
  }

  /** Bytes written. The tokens are not: whose they are is kept elsewhere. */
  async save(slot: number, path: string): Promise<number> {
    return await this.#native.saveSequenceStateToFile(path, slot, NOTHING)
  }

  /** Tokens that `slot` holds then. */
  async load(slot: number, path: string): Promise<number> {
    await this.#native.loadSequenceStateFromFile(path, slot, this.contextSize)
    return this.lengthOf(slot)
  }

  /** Samplers of a vocabulary of 262,144 take 3 MB each, so they are kept. */
  takeSampler(config: SamplerConfig): NativeSampler {
    const sampler = this.#pool.pop() ?? new this.#bindings.AddonSampler(this.#model)
    // Another seed first: the state of its random numbers is only made anew when the seed changes.
    sampler.applyConfig({ ...config, seed: (config.seed ^ 1) >>> 0 })
    sampler.applyConfig(config)
    return sampler
  }

  returnSampler(sampler: NativeSampler): void {
    this.#pool.push(sampler)
  }

  async #sample(asked: readonly Asked[], row: number): Promise<number[]> {
    if (asked.length === 0) return []
    const indexes = asked.map((each) => each.indexes[row] ?? 0)
    const samplers = asked.map(({ sampler }) => sampler)
    const sampled =
      this.#native.sampleTokens === undefined
        ? await Promise.all(indexes.map((at, i) => this.#native.sampleToken(at, samplers[i]!)))
        : Array.from(await this.#native.sampleTokens(Uint32Array.from(indexes), samplers))
    return sampled
  }
}
