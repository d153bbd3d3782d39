import { boundaryOf } from './boundary.ts'
import type { Boundary } from './boundary.ts'
import type { DecodeSlots } from './decode-slots.ts'
import type { GenerateRequest } from './engine.ts'
import { PrefixTree } from './prefix-tree.ts'
import type { SavedPrefixes } from './saved-prefixes.ts'
import type { Tokens } from './token-run.ts'

/** Shorter prefixes are evaluated again: a copy takes about as long. */
const LEAST_SHARED = 16
/** Shorter contents are not worth a place in the RAM tier. */
const LEAST_SAVED = 64

/** What each slot holds, also after its request ended, and how a newcomer gets at it. */
export class Residents {
  readonly #context: DecodeSlots
  readonly #tree = new PrefixTree<number>()
  /** Tokens of each slot: what a save writes down. */
  readonly #tokens: number[][]
  readonly #lastUsed: (number | undefined)[]
  readonly #digest: string
  readonly #on: boolean
  readonly #saved: SavedPrefixes | undefined
  /** Changes when a search may find more than before, but for the tokens of running answers. */
  version = 0

  constructor(
    context: DecodeSlots,
    options: { digest: string; on: boolean; saved: SavedPrefixes | undefined },
  ) {
    this.#context = context
    this.#digest = options.digest
    this.#on = options.on
    this.#saved = options.saved
    this.#tokens = Array.from({ length: context.slots }, () => [])
    this.#lastUsed = Array.from({ length: context.slots }, () => undefined)
  }

  /** By slot: when its content last served; undefined: empty. */
  get lastUsed(): readonly (number | undefined)[] {
    return this.#lastUsed
  }

  boundaryOf({ tenant, adapter }: GenerateRequest): Boundary {
    return boundaryOf({ tenant, modelDigest: this.#digest, adapterDigest: adapter })
  }

  /** Tokens of `prompt` that need no evaluation; its last one always does. */
  cachedTokens(boundary: Boundary, prompt: Tokens): number {
    return Math.max(
      this.#resident(boundary, prompt)?.length ?? 0,
      this.#savedMatch(boundary, prompt)?.length ?? 0,
    )
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
    const found = this.#resident(boundary, prompt)
    const saved = this.#savedMatch(boundary, prompt)
    let length = 0
    const better = (saved?.length ?? 0) >= (found?.length ?? 0) + LEAST_SHARED
    if (saved !== undefined && better && !this.#context.isCopied(slot)) {
      await this.#keep(slot)
      length = await this.#load(slot, saved, boundary)
    } else if (found !== undefined) {
      length = found.length
      if (found.holder !== slot) {
        await this.#keep(slot)
        await this.#context.copy(slot, found.holder)
        this.#lastUsed[found.holder] = nowMs
      }
    } else await this.#keep(slot)
    if (!this.#context.truncate(slot, length)) {
      this.#context.truncate(slot, 0)
      length = 0
    }
    this.#hold(slot, boundary, prompt.slice(0, length), nowMs)
    return length
  }

  /** Tokens whose keys and values `slot` holds. */
  lengthOf(slot: number): number {
    return this.#tokens[slot]?.length ?? 0
  }

  /** `slot` holds these tokens more. */
  extend(slot: number, tokens: Tokens): void {
    for (const token of tokens) this.#tokens[slot]?.push(token)
    if (this.#on) this.#tree.extend(slot, tokens)
  }

  /** A request left `slot`; what it holds stays, for as long as nobody needs the place. */
  leave(slot: number, nowMs: number): void {
    if (this.#on) this.#lastUsed[slot] = nowMs
    else this.clear(slot)
    this.version++
  }

  /** Copies what `from` holds into `to`, which then holds it too. */
  async move(from: number, to: number, nowMs: number): Promise<void> {
    const boundary = this.#tree.boundaryOf(from)
    await this.#keep(to)
    await this.#context.copy(to, from)
    const tokens = [...(this.#tokens[from] ?? [])]
    if (boundary !== undefined) this.#hold(to, boundary, tokens, nowMs)
    else this.#tokens[to] = tokens
  }

  clear(slot: number): void {
    this.#context.truncate(slot, 0)
    this.#tree.delete(slot)
    this.#tokens[slot] = []
    this.#lastUsed[slot] = undefined
    this.version++
  }

  #hold(slot: number, boundary: Boundary, tokens: number[], nowMs: number): void {
    if (this.#on) this.#tree.set(slot, boundary, tokens)
    this.#tokens[slot] = [...tokens]
    this.#lastUsed[slot] = nowMs
    this.version++
  }

  #resident(boundary: Boundary, prompt: Tokens) {
    if (!this.#on) return undefined
    const recent = (slot: number) => this.#lastUsed[slot] ?? 0
    const found = this.#tree.longest(boundary, prompt, { prefer: (a, b) => recent(b) - recent(a) })
    return shared(found, prompt)
  }

  #savedMatch(boundary: Boundary, prompt: Tokens) {
    return shared(this.#saved?.longest(boundary, prompt), prompt)
  }

  async #load(
    slot: number,
    { holder, length }: { holder: number; length: number },
    boundary: Boundary,
  ): Promise<number> {
    const loaded = await this.#saved?.load(holder, boundary, slot)
    return loaded === undefined ? 0 : Math.min(length, loaded)
  }

  /** What `slot` holds goes to the RAM tier before it is overwritten. */
  async #keep(slot: number): Promise<void> {
    const tokens = this.#tokens[slot] ?? []
    const boundary = this.#tree.boundaryOf(slot)
    if (this.#saved?.on !== true || boundary === undefined || tokens.length < LEAST_SAVED) return
    await this.#saved.save(slot, boundary, tokens)
  }
}

/** The last token is evaluated in any case: the answer begins with what it gives. */
function shared(
  found: { holder: number; length: number } | undefined,
  prompt: Tokens,
): { holder: number; length: number } | undefined {
  if (found === undefined) return undefined
  const length = Math.min(found.length, prompt.length - 1)
  return length < LEAST_SHARED ? undefined : { holder: found.holder, length }
}
