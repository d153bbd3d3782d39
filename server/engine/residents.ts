import { boundaryOf, systemBoundaryBeside } from './boundary.ts'
import type { Boundary } from './boundary.ts'
import type { DecodeSlots } from './decode-slots.ts'
import type { GenerateRequest } from './engine.ts'
import type { KeepBudget } from './keep-budget.ts'
import { PrefixTree } from './prefix-tree.ts'
import type { Match } from './prefix-tree.ts'
import type { SavedPrefixes } from './saved-prefixes.ts'
import type { Tokens } from './token-run.ts'
import { trimFloor } from './trim-floor.ts'

/** Shorter prefixes are evaluated again: a copy takes about as long. */
const LEAST_SHARED = 16
/** Shorter contents are not worth a place in the RAM tier. */
const LEAST_SAVED = 64

/** States in files that a slot can be filled from. */
export interface SavedStates {
  longest(boundary: Boundary, tokens: Tokens): Match<number> | undefined
  /** Tokens that `slot` holds then; undefined: none, and the slot must be cleared. */
  load(holder: number, boundary: Boundary, slot: number): Promise<number | undefined>
}

/** Where prefixes came from. */
export type Source = 'slot' | 'memory' | 'volume'

interface Found extends Match<number> {
  boundary: Boundary
}

export interface ResidentsOptions {
  digest: string
  on: boolean
  saved: SavedPrefixes | undefined
  keeps: KeepBudget
  /** States of the operator's prompts; nothing of a tenant is among them. */
  listed?: SavedStates | undefined
  /** Of the model, tokens; undefined without one. */
  slidingWindow?: number | undefined
}

/** What each slot holds, also after its request ended, and how a newcomer gets at it. */
export class Residents {
  readonly #context: DecodeSlots
  readonly #tree = new PrefixTree<number>()
  /** Tokens of each slot: what a save writes down. */
  readonly #tokens: number[][]
  readonly #lastUsed: (number | undefined)[]
  readonly #options: ResidentsOptions
  /** Prompt tokens of tenants that needed no evaluation. */
  readonly hits: Record<Source, number> = { slot: 0, memory: 0, volume: 0 }
  /** Prefixes of newcomers that were copied from another slot. */
  copies = 0
  /** Changes when a search may find more than before, but for the tokens of running answers. */
  version = 0

  constructor(context: DecodeSlots, options: ResidentsOptions) {
    this.#context = context
    this.#options = options
    this.#tokens = Array.from({ length: context.slots }, () => [])
    this.#lastUsed = Array.from({ length: context.slots }, () => undefined)
  }

  /** By slot: when its content last served; undefined: empty. */
  get lastUsed(): readonly (number | undefined)[] {
    return this.#lastUsed
  }

  boundaryOf({ tenant, adapter }: GenerateRequest): Boundary {
    return boundaryOf({ tenant, modelDigest: this.#options.digest, adapterDigest: adapter })
  }

  /** Tokens of `prompt` that need no evaluation; its last one always does. */
  cachedTokens(boundary: Boundary, prompt: Tokens): number {
    const found = [this.#resident(boundary, prompt), ...this.#inFiles(boundary, prompt)]
    return Math.max(0, ...found.map((match) => match?.length ?? 0))
  }

  /** A slot that is free and holds all that `prompt` shares with anything; undefined: none does. */
  holderAmong(free: readonly number[], boundary: Boundary, prompt: Tokens): number | undefined {
    const found = this.#resident(boundary, prompt)
    if (found === undefined) return undefined
    const among = this.#tree.longest(boundary, prompt, { among: (slot) => free.includes(slot) })
    return among !== undefined && among.length >= found.length ? among.holder : undefined
  }

  /** Fills `slot` with the longest prefix of `prompt` that is held anywhere; returns its length. */
  async occupy(
    slot: number,
    boundary: Boundary,
    prompt: readonly number[],
    nowMs: number,
  ): Promise<number> {
    const { source, found } = this.#best(slot, boundary, prompt)
    let length = found?.length ?? 0
    let floor = 0
    if (found === undefined) await this.#keep(slot)
    else if (source === 'slot') {
      floor = this.#tree.floorOf(found.holder)
      if (found.holder !== slot) {
        await this.#keep(slot)
        await this.#context.copy(slot, found.holder)
        this.copies++
        this.#lastUsed[found.holder] = nowMs
      }
    } else {
      const loaded = await this.#loadOver(slot, source, found)
      length = Math.min(length, loaded ?? 0)
      floor = trimFloor(loaded ?? 0, this.#options.slidingWindow)
    }
    if (!this.#context.truncate(slot, length)) {
      this.#context.truncate(slot, 0)
      length = 0
    }
    this.#hold(slot, boundary, prompt.slice(0, length), { nowMs, floor })
    if (boundary !== systemBoundaryBeside(boundary)) this.hits[source] += length
    return length
  }

  /** Tokens whose keys and values `slot` holds. */
  lengthOf(slot: number): number {
    return this.#tokens[slot]?.length ?? 0
  }

  /** The tokens themselves. */
  tokensOf(slot: number): readonly number[] {
    return this.#tokens[slot] ?? []
  }

  /** `slot` holds these tokens more. */
  extend(slot: number, tokens: Tokens): void {
    for (const token of tokens) this.#tokens[slot]?.push(token)
    if (this.#options.on) this.#tree.extend(slot, tokens)
  }

  /** A request left `slot`; what it holds stays, for as long as nobody needs the place. */
  leave(slot: number, nowMs: number): void {
    if (this.#options.on) this.#lastUsed[slot] = nowMs
    else this.clear(slot)
    this.version++
  }

  /** Copies what `from` holds into `to`, which then holds it too. */
  async move(from: number, to: number, nowMs: number): Promise<void> {
    const boundary = this.#tree.boundaryOf(from)
    await this.#keep(to)
    await this.#context.copy(to, from)
    const tokens = [...(this.#tokens[from] ?? [])]
    const floor = this.#tree.floorOf(from)
    if (boundary !== undefined) this.#hold(to, boundary, tokens, { nowMs, floor })
    else this.#tokens[to] = tokens
  }

  clear(slot: number): void {
    this.#context.truncate(slot, 0)
    this.#tree.delete(slot)
    this.#tokens[slot] = []
    this.#lastUsed[slot] = undefined
    this.version++
  }

  #hold(
    slot: number,
    boundary: Boundary,
    tokens: number[],
    { nowMs, floor }: { nowMs: number; floor: number },
  ): void {
    // A floor above what is held is that of cells that are gone.
    if (this.#options.on) this.#tree.set(slot, boundary, tokens, tokens.length < floor ? 0 : floor)
    this.#tokens[slot] = [...tokens]
    this.#lastUsed[slot] = nowMs
    this.version++
  }

  /** The longest prefix; from a file only where it spares more than loading takes. */
  #best(slot: number, boundary: Boundary, prompt: Tokens) {
    const resident = this.#resident(boundary, prompt)
    const best: { source: Source; found: Found | undefined } = { source: 'slot', found: resident }
    // What was copied from or to it is copied by the next decode: until then its cells must stay.
    if (this.#context.isCopied(slot)) return best
    const [memory, volume] = this.#inFiles(boundary, prompt)
    const longer = (found: Found | undefined) =>
      (found?.length ?? 0) >= (best.found?.length ?? 0) + LEAST_SHARED
    if (longer(memory)) Object.assign(best, { source: 'memory', found: memory })
    if (longer(volume)) Object.assign(best, { source: 'volume', found: volume })
    return best
  }

  #resident(boundary: Boundary, prompt: Tokens): Found | undefined {
    if (!this.#options.on) return undefined
    const recent = (slot: number) => this.#lastUsed[slot] ?? 0
    const prefer = (a: number, b: number) => recent(b) - recent(a)
    const wanted = withoutLast(prompt)
    return this.#longest(boundary, (under) => this.#tree.longest(under, wanted, { prefer }))
  }

  /** In memory and on the volume. */
  #inFiles(boundary: Boundary, prompt: Tokens): [Found | undefined, Found | undefined] {
    const { saved, listed } = this.#options
    const wanted = withoutLast(prompt)
    return [
      saved && this.#longest(boundary, (under) => saved.longest(under, wanted)),
      listed && this.#longest(boundary, (under) => listed.longest(under, wanted)),
    ]
  }

  /** Of what the tenant has itself and what is listed for all, the longer. */
  #longest(
    boundary: Boundary,
    search: (boundary: Boundary) => Match<number> | undefined,
  ): Found | undefined {
    const own = worthSharing(search(boundary))
    const system = systemBoundaryBeside(boundary)
    const common = system === boundary ? undefined : worthSharing(search(system))
    if (common !== undefined && common.length > (own?.length ?? 0)) {
      return { ...common, boundary: system }
    }
    return own && { ...own, boundary }
  }

  /** What `slot` held is saved first, which must not displace what is to be loaded. */
  async #loadOver(slot: number, source: Source, found: Found): Promise<number | undefined> {
    const { saved } = this.#options
    const reads = source === 'memory' && saved?.startRead(found.holder) === true
    try {
      await this.#keep(slot)
      return await this.#files(source)?.load(found.holder, found.boundary, slot)
    } finally {
      if (reads) saved.endRead(found.holder)
    }
  }

  #files(source: Source): SavedStates | undefined {
    return source === 'memory' ? this.#options.saved : this.#options.listed
  }

  /** What `slot` holds goes to the RAM tier before it is overwritten. */
  async #keep(slot: number): Promise<void> {
    const { saved, keeps } = this.#options
    const tokens = this.#tokens[slot] ?? []
    const boundary = this.#tree.boundaryOf(slot)
    if (saved?.on !== true || boundary === undefined || tokens.length < LEAST_SAVED) return
    // A copy to it that native code has not made yet would be saved as what lay there before.
    if (this.#context.isCopied(slot)) return
    await keeps.spend(tokens.length, () => saved.save(slot, boundary, tokens))
  }
}

/**
 * The last token is evaluated in any case: the answer begins with what it gives. It is left out of the
 * search, because a match may not be shortened below its holder's floor.
 */
const withoutLast = (prompt: Tokens) => prompt.slice(0, -1)

const worthSharing = (found: Match<number> | undefined) =>
  found === undefined || found.length < LEAST_SHARED ? undefined : found
