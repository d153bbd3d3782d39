import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { KitError } from '../../catalog/errors.ts'
import { KeysFileSchema } from '../../catalog/keys-file.ts'
import type { Key } from '../../catalog/stack-file.ts'

const POLL_MS = 2000

/** Who asks: what the server knows of a request's key. */
export interface Caller {
  name: string
  tenant: string
  role: Key['role']
  priority: NonNullable<Key['priority']>
}

interface HashedKey {
  hash: Buffer
  caller: Caller
}

/**
 * The keys of `keys.json`, read again when the file changes. Polled, not watched: Kubernetes swaps a
 * symbolic link, which watchers miss. A broken new file leaves the old keys valid.
 */
export class KeyStore {
  readonly #file: string
  readonly #report: (event: { event: string; keys?: number; cause?: string }) => void
  readonly #timer: NodeJS.Timeout
  #keys: HashedKey[]
  #version: string

  /** Throws KitError KEY_FILE_UNUSABLE when the file cannot be used at the start. */
  constructor(
    file: string,
    report: (event: { event: string; keys?: number; cause?: string }) => void,
    pollMs = POLL_MS,
  ) {
    this.#file = file
    this.#report = report
    this.#version = versionOf(file)
    this.#keys = readKeys(file)
    this.#timer = setInterval(() => this.refresh(), pollMs)
    this.#timer.unref()
  }

  /** Compares with every key, whatever was found before: time tells nothing. */
  find(presented: string): Caller | undefined {
    const hash = createHash('sha256').update(presented).digest()
    let found: Caller | undefined
    for (const key of this.#keys) {
      if (timingSafeEqual(key.hash, hash)) found = key.caller
    }
    return found
  }

  refresh(): void {
    const version = versionOf(this.#file)
    if (version === this.#version) return
    this.#version = version
    try {
      this.#keys = readKeys(this.#file)
      this.#report({ event: 'keys_reloaded', keys: this.#keys.length })
    } catch (error) {
      this.#report({ event: 'keys_file_broken', cause: (error as Error).message })
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

function versionOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file)
    return `${realpathSync(file)} ${mtimeMs} ${size} ${ino}`
  } catch {
    return 'unreadable'
  }
}

function readKeys(file: string): HashedKey[] {
  const parsed = KeysFileSchema.safeParse(readJson(file))
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join('.') ?? ''
    throw unusable(file, `a file that breaks the rule at "${where}"`)
  }
  return parsed.data.keys.map(({ name, sha256, tenant, role, priority }) => ({
    hash: Buffer.from(sha256, 'hex'),
    caller: { name, tenant: tenant ?? name, role, priority: priority ?? 'normal' },
  }))
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    // Not the parser's message: it quotes the file.
    const code = (error as NodeJS.ErrnoException).code
    throw unusable(file, code === undefined ? 'a file that is not JSON' : `an error (${code})`)
  }
}

function unusable(file: string, got: string): KitError {
  return new KitError('KEY_FILE_UNUSABLE', {
    path: file,
    expected: '{"keys":[{"name","sha256","tenant"?,"role"?}]}',
    got,
    fix: 'write the file as catalog/keys-file.ts says',
  })
}
