import { readFile, rm, writeFile } from 'node:fs/promises'
import { GREEDY } from '../../server/engine/decode-context.ts'
import type { Part } from '../../server/engine/decode-context.ts'
import type { NativeSampler, SamplerConfig } from '../../server/engine/native.ts'
import type { TestedSlots } from '../../server/engine/self-test.ts'
import type { StateFiles } from '../../server/engine/state-folder.ts'
import type { AnswerVocabulary } from '../../server/engine/stream.ts'

/** Letters of answers; the token after them ends one. */
const LETTERS = 7
export const END = LETTERS
export const TOKENS = LETTERS + 1
const RARITY_OF_ENDS = 32
const MOST_STEPS = 20_000

export const vocabulary: AnswerVocabulary = {
  start: 0,
  isEnd: (token) => token === END,
  detokenize: (tokens) => tokens.map((token) => (token === END ? '' : letter(token))).join(''),
  tokensNamed: () => new Set(),
  bytesOf: (token) => [letter(token).charCodeAt(0)],
}
const letter = (token: number) => String.fromCharCode(97 + token)

/** The token that follows all of `history`: one wrong, missing or doubled cell gives another. */
export function nextToken(history: readonly number[], config: SamplerConfig, draws: number) {
  let hash = config.temperature === 0 ? 17 : 31 * config.seed + draws
  for (const token of history) hash = Math.imul(hash ^ (token + 1), 0x01000193) >>> 0
  hash ^= hash >>> 15
  const drawn = (Math.imul(hash, 0x2c1b3c6d) >>> 12) % RARITY_OF_ENDS
  return drawn === 0 ? END : drawn % LETTERS
}

/** A sampler knows how often it was asked, as one with random numbers does. */
export class SimulatedSampler implements NativeSampler {
  config: SamplerConfig = { temperature: 0, topP: 1, topK: 1, seed: 0 }
  draws = 0
  taken = false
  /** When each of its tokens was there. */
  times: number[] = []

  applyConfig(config: SamplerConfig): void {
    this.config = config
    this.draws = 0
    this.times = []
  }
}

export interface SimulatedStep {
  parts: readonly Part[]
  kind: 'decode' | 'prefill'
  ms: number
}

export interface Costs {
  /** Of one run of rows; the step is their sum, as llama.cpp splits it at holes. */
  decodeMs: (rows: number) => number
  prefillTokensPerMs: number
}

/**
 * Slots as llama.cpp keeps them: cells that stay in their buffer after they were dropped, copies whose
 * cells are known at once and whose content is made at the next decode. Throws where the loop breaks a
 * rule: native calls at the same time, rows that do not follow each other, slots out of order.
 */
export class SimulatedSlots implements TestedSlots, StateFiles {
  readonly slots: number
  readonly contextSize: number
  readonly batchSize: number
  readonly steps: SimulatedStep[] = []
  readonly samplers: SimulatedSampler[] = []
  nowMs = 0
  /** What every step takes longer than it should. */
  heldUpMs = 0
  copies = 0
  /** Runs while a step does: what arrives meanwhile. */
  during: (untilMs: number) => void = () => undefined
  canTruncate = true
  /** Of the next answers that are asked for one; then all are clear. */
  margins: number[] = []
  /** Of the model, tokens: a state file leaves out what it has passed. */
  slidingWindow: number | undefined
  readonly #costs: Costs
  readonly #buffers: number[][]
  readonly #lengths: number[]
  /** By slot: cells before it are not there for the layers with a window. */
  readonly #firstCells: number[]
  #due: { target: number; source: number }[] = []
  #busy = false

  constructor(
    sizes: { slots: number; contextSize: number; batchSize: number },
    costs: Costs = { decodeMs: () => 10, prefillTokensPerMs: 0.3 },
  ) {
    this.slots = sizes.slots
    this.contextSize = sizes.contextSize
    this.batchSize = sizes.batchSize
    this.#costs = costs
    this.#buffers = Array.from({ length: sizes.slots }, () => [])
    this.#lengths = Array.from({ length: sizes.slots }, () => 0)
    this.#firstCells = Array.from({ length: sizes.slots }, () => 0)
  }

  async decode(parts: readonly Part[]): Promise<number[][]> {
    const leave = this.#enter('decode')
    check(this.steps.length < MOST_STEPS, 'steps without end')
    check(parts.length > 0, 'an empty batch')
    const rows = parts.reduce((sum, { tokens }) => sum + tokens.length, 0)
    check(rows <= Math.max(this.batchSize, this.slots), 'a batch beyond its size')
    const logits = parts.reduce((sum, part) => sum + outputsOf(part), 0)
    check(logits <= this.slots, `logits of ${logits} rows, kept for ${this.slots}`)
    for (const { target, source } of this.#due) {
      this.#buffers[target] = [...(this.#buffers[source] ?? [])]
    }
    this.#due = []
    parts.forEach((part, at) => this.#write(part, parts[at - 1]?.slot ?? -1))
    await this.#pass(parts)
    const sampled = parts.flatMap((part) =>
      part.sampler === undefined ? [] : [this.#sample(part)],
    )
    leave()
    for (const { slot, position, pad } of parts) if (pad === true) this.truncate(slot, position)
    return sampled
  }

  /** After each row of a draft until one differs; else after the last. */
  #sample({ slot, tokens, sampler, draft }: Part): number[] {
    check(sampler instanceof SimulatedSampler && sampler.taken, 'a sampler that nobody took')
    const content = this.contentOf(slot)
    const sampled: number[] = []
    for (let row = draft === true ? 0 : tokens.length - 1; row < tokens.length; row++) {
      const seen = content.slice(0, content.length - tokens.length + row + 1)
      sampler.times.push(this.nowMs)
      sampled.push(nextToken(seen, sampler.config, sampler.draws++))
      if (sampled.at(-1) !== tokens[row + 1]) break
    }
    return sampled
  }

  async decodeWithMargin(part: Part): Promise<{ token: number; margin: number }> {
    const sampler = this.takeSampler(GREEDY)
    const [[token = -1] = []] = await this.decode([{ ...part, sampler }])
    this.returnSampler(sampler)
    return { token, margin: this.margins.shift() ?? 1 }
  }

  truncate(slot: number, length: number): boolean {
    this.#enter('truncate')()
    check(length <= this.lengthOf(slot), `slot ${slot} has no ${length} tokens to keep`)
    if (!this.canTruncate && length > 0 && length < this.lengthOf(slot)) return false
    this.#lengths[slot] = length
    if (length === 0) this.#firstCells[slot] = 0
    return true
  }

  async copy(target: number, source: number): Promise<void> {
    const leave = this.#enter('copy')
    check(target !== source, 'a copy of itself')
    this.copies++
    this.#lengths[target] = this.lengthOf(source)
    this.#firstCells[target] = this.#firstCells[source] ?? 0
    this.#due.push({ target, source })
    await Promise.resolve()
    leave()
  }

  get copiesDue(): number {
    return this.#due.length
  }

  isCopied(slot: number): boolean {
    return this.#due.some(({ source, target }) => source === slot || target === slot)
  }

  takeSampler(config: SamplerConfig): NativeSampler {
    const free = this.samplers.find(({ taken }) => !taken)
    const sampler = free ?? new SimulatedSampler()
    if (free === undefined) this.samplers.push(sampler)
    sampler.taken = true
    sampler.applyConfig(config)
    return sampler
  }

  returnSampler(sampler: NativeSampler): void {
    check(sampler instanceof SimulatedSampler && sampler.taken, 'a sampler given back twice')
    sampler.taken = false
  }

  lengthOf(slot: number): number {
    return this.#lengths[slot] ?? 0
  }

  /** What the layers without a window hold; a copy that is not made yet is not in it. */
  contentOf(slot: number): number[] {
    return (this.#buffers[slot] ?? []).slice(0, this.lengthOf(slot))
  }

  /** At once, whatever copies are due. */
  async save(slot: number, path: string): Promise<number> {
    const leave = this.#enter('save')
    const text = JSON.stringify(this.contentOf(slot))
    await writeFile(path, text).finally(leave)
    return text.length
  }

  /** At once, whatever copies are due. */
  async load(slot: number, path: string): Promise<number> {
    const leave = this.#enter('load')
    try {
      const tokens = JSON.parse(await readFile(path, 'utf8')) as number[]
      this.#buffers[slot] = tokens
      this.#lengths[slot] = tokens.length
      this.#firstCells[slot] = Math.max(0, tokens.length - (this.slidingWindow ?? Infinity))
      return tokens.length
    } finally {
      leave()
    }
  }

  async remove(path: string): Promise<void> {
    await rm(path, { force: true })
  }

  #enter(what: string): () => void {
    check(!this.#busy, `${what} while another native call runs`)
    this.#busy = true
    return () => (this.#busy = false)
  }

  #write({ slot, position, tokens }: Part, before: number): void {
    check(slot > before && slot < this.slots, `slot ${slot} after ${before}`)
    check(position === this.lengthOf(slot), `position ${position} of ${this.lengthOf(slot)}`)
    check(position + tokens.length <= this.contextSize, `more than slot ${slot} holds`)
    const seen = Math.max(0, position + 1 - (this.slidingWindow ?? Infinity))
    check((this.#firstCells[slot] ?? 0) <= seen, `slot ${slot} misses cells of the window`)
    const content = this.contentOf(slot)
    check(content.length === position, `slot ${slot} has cells without content`)
    this.#buffers[slot] = [...content, ...tokens]
    this.#lengths[slot] = position + tokens.length
  }

  async #pass(parts: readonly Part[]): Promise<void> {
    const single = parts.every(({ tokens, sampler, pad, draft }) => {
      return draft === true || (tokens.length === 1 && (sampler !== undefined || pad === true))
    })
    const rows = parts.reduce((sum, { tokens }) => sum + tokens.length, 0)
    const runs = rows > parts.length ? [rows] : runsOf(parts.map(({ slot }) => slot))
    const ms = single
      ? runs.reduce((t, n) => t + this.#costs.decodeMs(n), 0)
      : rows / this.#costs.prefillTokensPerMs
    this.steps.push({ parts, kind: single ? 'decode' : 'prefill', ms })
    const untilMs = this.nowMs + ms
    await Promise.resolve()
    this.during(untilMs)
    await Promise.resolve()
    this.nowMs = untilMs + this.heldUpMs
  }
}

/** Rows whose logits are kept: the engine reserves memory for one a slot. */
const outputsOf = ({ tokens, sampler, pad, draft }: Part) =>
  draft === true ? tokens.length : sampler !== undefined || pad === true ? 1 : 0

/** Lengths of the runs of consecutive slots. */
export function runsOf(slots: readonly number[]): number[] {
  const runs: number[] = []
  slots.forEach((slot, at) => {
    if (at > 0 && slots[at - 1] === slot - 1) runs[runs.length - 1]!++
    else runs.push(1)
  })
  return runs
}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`broken rule: ${what}`)
}
