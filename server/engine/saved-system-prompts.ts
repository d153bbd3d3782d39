/**
 * States of the operator's system prompts on a volume that outlives the process, so that a restart is
 * warm. Only what the stack file lists may be given to it: the volume may be a disk. A bad file is
 * refused, deleted and made anew; a folder that cannot be used turns the tier off.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { FolderError, folderCause, removeFiles, requireSize } from './state-folder.ts'
import type { FolderCause, StateFiles } from './state-folder.ts'
import { parseHeader, refusal, stateName } from './system-prompt-header.ts'
import type { Header, RefusalCause, StateMaker, SystemPrompt } from './system-prompt-header.ts'

export type SystemPromptWarning =
  | { event: 'system_prompt_cache_off'; cause: FolderCause }
  /** How many files for each cause. */
  | { event: 'system_prompt_states_refused'; causes: Partial<Record<RefusalCause, number>> }

export interface SavedSystemPromptsOptions {
  /** May be a disk. One model deployment a folder: states of another maker are deleted. */
  folder: string
  maker: StateMaker
  files: StateFiles
  warn: (warning: SystemPromptWarning) => void
}

const STATE = '.state'
const HEADER = '.json'
const TEMPORARY = '.part'
const OURS = /^[0-9a-f]{64}\.(state|json)$/
const LEFT_OVER = /^[0-9a-f]{32}\.part$/

/** Deletes all states: nothing is listed any more. Never throws. */
export async function forgetSystemPrompts(folder: string): Promise<void> {
  await removeFiles(folder, OURS).catch(() => undefined)
}

export class SavedSystemPrompts {
  readonly #options: SavedSystemPromptsOptions
  /** Names of the states that were checked, or written, by this process. */
  readonly #good = new Set<string>()
  #on = true

  private constructor(options: SavedSystemPromptsOptions) {
    this.#options = options
  }

  /** Checks every file, whole. Never throws: a tier that cannot be had is one that holds nothing. */
  static async open(options: SavedSystemPromptsOptions): Promise<SavedSystemPrompts> {
    const tier = new SavedSystemPrompts(options)
    try {
      await tier.#probe()
      await tier.#checkAll()
    } catch (error) {
      await tier.#turnOff(error)
    }
    return tier
  }

  get on(): boolean {
    return this.#on
  }

  /** There is a state that `load` may use. */
  has(prompt: SystemPrompt): boolean {
    return this.#good.has(stateName(this.#options.maker, prompt))
  }

  /**
   * Puts the state of `prompt` into `slot` and returns how many tokens the slot holds then; trimFloor
   * says how far it may be trimmed. Undefined: there is none that may be used. Clear the slot, evaluate the prompt and call `save`.
   */
  async load(prompt: SystemPrompt, slot: number): Promise<number | undefined> {
    const { maker, files } = this.#options
    const name = stateName(maker, prompt)
    if (!this.#good.has(name)) return undefined
    try {
      const tokens = await files.load(slot, this.#path(name, STATE))
      if (tokens === prompt.tokens.length) return tokens
    } catch {
      // Native code refused what its digest vouches for: as good as damaged.
    }
    await this.#refuse(new Map([[name, 'damaged']])).catch(() => undefined)
    return undefined
  }

  /** Keeps what `slot` holds: exactly the prompt's tokens. False when that failed or the tier is off. */
  async save(prompt: SystemPrompt, slot: number): Promise<boolean> {
    if (!this.#on) return false
    const name = stateName(this.#options.maker, prompt)
    if (this.#good.has(name)) return true
    try {
      await this.#write(name, slot)
    } catch (error) {
      await this.#turnOff(error)
      return false
    }
    this.#good.add(name)
    return true
  }

  /** Deletes the states of prompts that are no longer listed. */
  async keepOnly(prompts: readonly SystemPrompt[]): Promise<void> {
    const wanted = new Set(prompts.map((prompt) => stateName(this.#options.maker, prompt)))
    try {
      for (const name of this.#good) if (!wanted.has(name)) await this.#delete(name)
    } catch (error) {
      await this.#turnOff(error)
    }
  }

  /** A full or read-only folder shows now, not after a prompt was evaluated. */
  async #probe(): Promise<void> {
    const path = this.#temporary()
    try {
      await writeSynced(path, ' '.repeat(4096))
    } finally {
      await rm(path, { force: true }).catch(() => undefined)
    }
  }

  async #checkAll(): Promise<void> {
    const { folder, maker } = this.#options
    const found = await readdir(folder)
    for (const name of found) if (LEFT_OVER.test(name)) await rm(join(folder, name))
    const names = new Set(found.filter((name) => OURS.test(name)).map((name) => name.slice(0, 64)))
    const refused = new Map<string, RefusalCause>()
    for (const name of names) {
      const cause = await this.#check(maker, name)
      if (cause === undefined) this.#good.add(name)
      else refused.set(name, cause)
    }
    await this.#refuse(refused)
  }

  async #check(maker: StateMaker, name: string): Promise<RefusalCause | undefined> {
    const path = this.#path(name, STATE)
    const header = await readFile(this.#path(name, HEADER), 'utf8').catch(absent)
    const bytes = (await stat(path).catch(absent))?.size
    const cause = refusal(maker, name, header, bytes)
    if (cause !== undefined) return cause
    return (await sha256(path)) === parseHeader(header ?? '')?.sha256 ? undefined : 'damaged'
  }

  /** One warning for all of them. */
  async #refuse(refused: ReadonlyMap<string, RefusalCause>): Promise<void> {
    if (refused.size === 0) return
    const causes: Partial<Record<RefusalCause, number>> = {}
    for (const cause of refused.values()) causes[cause] = (causes[cause] ?? 0) + 1
    this.#options.warn({ event: 'system_prompt_states_refused', causes })
    for (const name of refused.keys()) await this.#delete(name)
  }

  /** Header last: a state without one, after a crash, counts for nothing. */
  async #write(name: string, slot: number): Promise<void> {
    const { files, maker } = this.#options
    const temporary = this.#temporary()
    const temporaryHeader = this.#temporary()
    try {
      const bytes = await files.save(slot, temporary)
      await requireSize(temporary, bytes)
      await chmod(temporary, 0o600)
      await sync(temporary)
      const digest = await sha256(temporary)
      const header: Header = { format: 1, name, ...maker, bytes, sha256: digest }
      await writeSynced(temporaryHeader, JSON.stringify(header))
      await rename(temporary, this.#path(name, STATE))
      await rename(temporaryHeader, this.#path(name, HEADER))
      await sync(this.#options.folder)
    } catch (error) {
      const cause = await folderCause(error, this.#options.folder)
      for (const path of [temporary, temporaryHeader]) {
        await rm(path, { force: true }).catch(() => undefined)
      }
      throw new FolderError(cause)
    }
  }

  async #delete(name: string): Promise<void> {
    this.#good.delete(name)
    for (const suffix of [HEADER, STATE]) await rm(this.#path(name, suffix), { force: true })
  }

  async #turnOff(error: unknown): Promise<void> {
    if (!this.#on) return
    this.#on = false
    this.#good.clear()
    const cause = await folderCause(error, this.#options.folder)
    this.#options.warn({ event: 'system_prompt_cache_off', cause })
  }

  #path(name: string, suffix: string): string {
    return join(this.#options.folder, name + suffix)
  }

  #temporary(): string {
    return join(this.#options.folder, randomBytes(16).toString('hex') + TEMPORARY)
  }
}

function absent(error: unknown): undefined {
  if ((error as { code?: string }).code !== 'ENOENT') throw error
  return undefined
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
