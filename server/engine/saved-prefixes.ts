/**
 * The RAM tier of the prefix cache: states of slots whose place another request took, as files on a
 * file system that lies in memory. Whatever fails turns the tier off with one warning; requests go on
 * without it.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Boundary } from './boundary.ts'
import { PrefixTree } from './prefix-tree.ts'
import type { Match } from './prefix-tree.ts'
import { SavedEntries } from './saved-entries.ts'
import {
  folderCause,
  privateFolder,
  removeFiles,
  requireMemory,
  requireSize,
} from './state-folder.ts'
import type { FolderCause, StateFiles } from './state-folder.ts'
import type { Tokens } from './token-run.ts'
import { trimFloor } from './trim-floor.ts'

export interface SavedPrefixesOptions {
  /** On tmpfs or ramfs. One engine process a folder: files of an earlier one are removed. */
  folder: string
  /** Bound of all files together; 0 turns the tier off without a warning. */
  maxBytes: number
  /** At least the bytes of the file that holds so many tokens. */
  bytesFor: (tokens: number) => number
  /** Of the model, tokens; undefined without one. */
  slidingWindow: number | undefined
  files: StateFiles
  warn: (warning: { event: 'prefix_cache_off'; cause: FolderCause }) => void
  /** Replaced in tests, which may have no such file system. */
  requireMemory?: (folder: string) => Promise<void>
}

/** A name says nothing of the text. */
const newName = () => `${randomBytes(16).toString('hex')}.kv`
const NAMES = /^[0-9a-f]{32}\.kv$/

export class SavedPrefixes {
  readonly #options: SavedPrefixesOptions
  readonly #entries: SavedEntries
  readonly #paths = new Map<number, string>()
  #tree = new PrefixTree<number>()
  #folder: string | undefined
  #nextId = 0
  /** Saves run one at a time, or two could count on the same room. */
  #saving: Promise<unknown> = Promise.resolve()

  private constructor(options: SavedPrefixesOptions) {
    this.#options = options
    this.#entries = new SavedEntries(options.maxBytes)
  }

  /** Removes what an engine that was killed left behind. Never throws. */
  static async forget(folder: string): Promise<void> {
    await requireMemory(folder)
      .then(() => privateFolder(folder, 'prefixes'))
      .then((own) => removeFiles(own, NAMES))
      .catch(() => undefined)
  }

  /** Never throws: a tier that cannot be had is one that holds nothing. */
  static async open(options: SavedPrefixesOptions): Promise<SavedPrefixes> {
    const tier = new SavedPrefixes(options)
    if (options.maxBytes <= 0) return tier
    try {
      await (options.requireMemory ?? requireMemory)(options.folder)
      const folder = await privateFolder(options.folder, 'prefixes')
      await removeFiles(folder, NAMES)
      tier.#folder = folder
    } catch (error) {
      options.warn({
        event: 'prefix_cache_off',
        cause: await folderCause(error, options.folder),
      })
    }
    return tier
  }

  get on(): boolean {
    return this.#folder !== undefined
  }

  stats(): { entries: number; bytes: number } {
    return { entries: this.#entries.count, bytes: this.#entries.bytes }
  }

  /** `holder` is the id that `load` takes. It may be gone when it is used later. */
  longest(boundary: Boundary, tokens: Tokens): Match<number> | undefined {
    return this.#tree.longest(boundary, tokens)
  }

  /**
   * Keeps what `slot` holds: exactly `tokens`. The slot must not change until this ends. False when
   * it is not kept: off, no room beside pinned entries, or a failure. Pinned entries are never
   * evicted. A shorter entry that `tokens` begins with is replaced where the new one, trimmed, serves it.
   */
  save(slot: number, boundary: Boundary, tokens: Tokens, pinned = false): Promise<boolean> {
    const copy = Uint32Array.from(tokens)
    const done = this.#saving.then(() => this.#save(slot, boundary, copy, pinned))
    this.#saving = done
    return done
  }

  /** Until `endRead` no save displaces it. False: it is gone already. */
  startRead(id: number): boolean {
    return this.#entries.startRead(id)
  }

  endRead(id: number): void {
    this.#entries.endRead(id)
  }

  /**
   * Puts a saved state into `slot` and returns how many tokens the slot holds then; trimFloor says how
   * far it may be trimmed. Undefined when
   * that failed or the entry is gone or of another boundary; the slot must be cleared then.
   */
  async load(id: number, boundary: Boundary, slot: number): Promise<number | undefined> {
    const path = this.#paths.get(id)
    if (path === undefined || this.#tree.boundaryOf(id) !== boundary) return undefined
    if (!this.#entries.startRead(id)) return undefined
    this.#entries.hit(id)
    const expected = this.#tree.lengthOf(id)
    try {
      const tokens = await this.#options.files.load(slot, path)
      if (tokens === expected) return tokens
    } catch {
      // Below: a state that cannot be read is dropped; the next save tells whether the folder is ill.
    } finally {
      this.#entries.endRead(id)
    }
    await this.#drop([id]).catch(() => undefined)
    return undefined
  }

  /** Removes every file. */
  async close(): Promise<void> {
    // Nothing is saved from now on; what is under way is removed too.
    this.#folder = undefined
    await this.#saving
    await this.#clear()
  }

  async #save(
    slot: number,
    boundary: Boundary,
    tokens: Uint32Array,
    pinned: boolean,
  ): Promise<boolean> {
    if (this.#folder === undefined || tokens.length === 0) return false
    const held = this.#tree.longest(boundary, tokens)
    if (held?.length === tokens.length) {
      this.#entries.hit(held.holder)
      if (pinned) this.#entries.pin(held.holder)
      return true
    }
    const id = this.#nextId++
    const bytes = this.#options.bytesFor(tokens.length)
    const floor = trimFloor(tokens.length, this.#options.slidingWindow)
    const served = floor === 0 ? this.#tree.within(boundary, tokens) : []
    const victims = this.#entries.add(id, bytes, pinned, served)
    if (victims === undefined) return false
    const path = join(this.#folder, newName())
    try {
      await this.#drop(victims)
      this.#paths.set(id, path)
      const written = await this.#options.files.save(slot, path)
      await requireSize(path, written)
      await this.#drop(this.#entries.resize(id, written))
    } catch (error) {
      await this.#turnOff(error)
      return false
    }
    if (!this.#paths.has(id)) return false
    this.#tree.set(id, boundary, tokens, floor)
    return true
  }

  async #drop(ids: readonly number[]): Promise<void> {
    for (const id of ids) {
      const path = this.#paths.get(id)
      this.#paths.delete(id)
      this.#tree.delete(id)
      this.#entries.remove(id)
      if (path !== undefined) await this.#options.files.remove(path)
    }
  }

  async #turnOff(error: unknown): Promise<void> {
    const cause = await folderCause(error, this.#options.folder)
    await this.#clear()
    this.#options.warn({ event: 'prefix_cache_off', cause })
  }

  /** Users' text does not stay behind, as far as the folder still lets it be removed. */
  async #clear(): Promise<void> {
    this.#folder = undefined
    for (const id of [...this.#paths.keys()]) await this.#drop([id]).catch(() => undefined)
  }
}
