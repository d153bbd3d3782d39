import type { Boundary } from './boundary.ts'
import { PrefixTree } from './prefix-tree.ts'
import type { Match } from './prefix-tree.ts'
import type { SavedStates } from './residents.ts'
import type { SavedSystemPrompts } from './saved-system-prompts.ts'
import type { SystemPrompt } from './system-prompt-header.ts'
import type { Tokens } from './token-run.ts'
import { trimFloor } from './trim-floor.ts'

export interface ListedPromptsOptions {
  /** Of the operator, each with the model's own template around it. */
  prompts: readonly SystemPrompt[]
  /** `systemBoundaryOf` the model. */
  boundary: Boundary
  /** Undefined: without a folder the prompts are only held in slots and memory. */
  volume: SavedSystemPrompts | undefined
  slidingWindow: number | undefined
}

/** The listed system prompts: whose state lies on the volume, and which are still to be made. */
export class ListedPrompts implements SavedStates {
  readonly prompts: readonly SystemPrompt[]
  readonly boundary: Boundary
  /** Indexes of the prompts that are held nowhere, as far as is known. */
  readonly missing: Set<number>
  readonly #options: ListedPromptsOptions
  readonly #tree = new PrefixTree<number>()

  constructor(options: ListedPromptsOptions) {
    this.#options = options
    this.prompts = options.prompts
    this.boundary = options.boundary
    this.missing = new Set(options.prompts.keys())
    options.prompts.forEach((prompt, index) => {
      if (options.volume?.has(prompt) === true) this.#enter(index, prompt)
    })
  }

  /** Indexes of the prompts whose state lies on the volume. */
  get saved(): number[] {
    return this.#tree.holders(this.boundary)
  }

  longest(boundary: Boundary, tokens: Tokens): Match<number> | undefined {
    return this.#tree.longest(boundary, tokens)
  }

  async load(index: number, boundary: Boundary, slot: number): Promise<number | undefined> {
    const prompt = this.prompts[index]
    if (prompt === undefined || boundary !== this.boundary) return undefined
    const loaded = await this.#options.volume?.load(prompt, slot)
    if (loaded === undefined) {
      this.#tree.delete(index)
      this.missing.add(index)
    }
    return loaded
  }

  /** Ends when all is on the volume; `slot`, which holds exactly the prompt, is free earlier. */
  async save(index: number, slot: number): Promise<void> {
    const prompt = this.prompts[index]
    const { volume } = this.#options
    if (prompt === undefined || volume === undefined || this.#tree.has(index)) return
    if (await volume.save(prompt, slot)) this.#enter(index, prompt)
  }

  #enter(index: number, { tokens }: SystemPrompt): void {
    const floor = trimFloor(tokens.length, this.#options.slidingWindow)
    this.#tree.set(index, this.boundary, tokens, floor)
  }
}
