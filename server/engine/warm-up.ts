import type { DecodeSlots } from './decode-slots.ts'
import type { ListedPrompts } from './listed-prompts.ts'
import type { Residents } from './residents.ts'
import type { SavedPrefixes } from './saved-prefixes.ts'

/** Stands after a prompt: as with a request, the last token of what is asked for is not held. */
const WHATEVER_FOLLOWS = -1
/** While others are served, evaluating takes one part in so many of the time. */
const SHARE_WHILE_BUSY = 20

export interface WarmUpOptions {
  context: DecodeSlots
  residents: Residents
  listed: ListedPrompts
  memory: SavedPrefixes | undefined
  /** Resolves when native code no longer reads a slot. */
  untilSlotsAreFree: () => Promise<void>
  now: () => number
}

/**
 * Brings the listed system prompts into slots and memory: from the volume before the first request,
 * the rest by evaluating them piece by piece while there is nothing else to do. A piece that another
 * request displaced is done again.
 */
export class WarmUp {
  readonly #options: WarmUpOptions
  /** Evaluated while others were served; saved when nobody is: a volume may be slow. */
  readonly #unsaved = new Set<number>()
  #lastMs = 0
  #endedMs = 0

  constructor(options: WarmUpOptions) {
    this.#options = options
  }

  /** Loads what lies on the volume. Without the RAM tier only as many as there are slots. */
  async load(): Promise<void> {
    const { listed, memory, context } = this.#options
    const places = memory?.on === true ? listed.saved.length : context.slots
    for (const index of listed.saved.slice(0, places))
      await this.#step(index, everySlot(context), 0)
    // The others are loaded when somebody asks.
    for (const index of listed.saved) listed.missing.delete(index)
  }

  /**
   * Evaluates up to `tokens` tokens of a prompt that is missing, in one of the slots `free`. False:
   * nothing is missing, or not now.
   */
  async next(tokens: number, free: readonly number[], busy: boolean): Promise<boolean> {
    const index = [...this.#options.listed.missing].find(
      (each) => !busy || !this.#unsaved.has(each),
    )
    const started = this.#options.now()
    if (index === undefined || free.length === 0) return false
    if (busy && started - this.#endedMs < this.#lastMs * SHARE_WHILE_BUSY) return false
    await this.#step(index, free, tokens, busy)
    this.#endedMs = this.#options.now()
    this.#lastMs = this.#endedMs - started
    return true
  }

  async #step(index: number, free: readonly number[], most: number, busy = false): Promise<void> {
    const { context, residents, listed, now } = this.#options
    const tokens = [...(listed.prompts[index]?.tokens ?? [])]
    const wanted = [...tokens, WHATEVER_FOLLOWS]
    const slot = residents.holderAmong(free, listed.boundary, wanted) ?? this.#oldest(free)
    const held = await residents.occupy(slot, listed.boundary, wanted, now())
    if (held < tokens.length && most > 0) {
      const piece = Uint32Array.from(tokens.slice(held, held + Math.min(most, context.batchSize)))
      await context.decode([{ slot, position: held, tokens: piece }])
      residents.extend(slot, piece)
    }
    if (residents.lengthOf(slot) === tokens.length) {
      if (busy) this.#unsaved.add(index)
      else await this.#keep(index, slot, tokens)
    }
    residents.leave(slot, now())
  }

  async #keep(index: number, slot: number, tokens: readonly number[]): Promise<void> {
    const { listed, memory, untilSlotsAreFree } = this.#options
    listed.missing.delete(index)
    this.#unsaved.delete(index)
    // Checking and syncing a file takes long, and needs the slot no more.
    void listed.save(index, slot)
    await untilSlotsAreFree()
    if (memory?.on === true) await memory.save(slot, listed.boundary, tokens, true)
  }

  #oldest(free: readonly number[]): number {
    const { lastUsed } = this.#options.residents
    const age = (slot: number) => lastUsed[slot] ?? -1
    return free.reduce((best, slot) => (age(slot) < age(best) ? slot : best), free[0] ?? 0)
  }
}

const everySlot = ({ slots }: DecodeSlots) => Array.from({ length: slots }, (_, slot) => slot)
