import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { KitError } from '../catalog/errors.ts'
import type { KeysFile } from '../catalog/keys-file.ts'

export interface FirstKey {
  /** The 0600 file that holds the key itself. */
  keyPath: string
  /** `keys.json` with its hash, as the server reads it. */
  keysFile: string
}

/** The key of `npm start`: made once, kept in the state folder. Throws KitError KEY_FILE_UNUSABLE. */
export function ensureFirstKey(folder: string): FirstKey {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const keyPath = join(folder, 'npm-start.key')
  const keysFile = join(folder, 'npm-start.keys.json')
  const key = readKey(keyPath) ?? makeKey(keyPath)
  const sha256 = createHash('sha256').update(key).digest('hex')
  const keys: KeysFile = { keys: [{ name: 'npm-start', sha256, role: 'user' }] }
  writeFileSync(keysFile, `${JSON.stringify(keys)}\n`, { mode: 0o600 })
  return { keyPath, keysFile }
}

function readKey(path: string): string | undefined {
  try {
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
      throw unusable(path, 'a file that others may read', `chmod 600 ${path}`)
    }
    const key = readFileSync(path, 'utf8').trim()
    if (!/^[\x21-\x7e]{16,512}$/.test(key)) {
      throw unusable(path, 'another content', 'remove the file; a new key is made')
    }
    return key
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function makeKey(path: string): string {
  const key = `sk-${randomBytes(32).toString('base64url')}`
  // Exclusive: two first starts at once must not use two keys.
  writeFileSync(path, `${key}\n`, { mode: 0o600, flag: 'wx' })
  return key
}

const unusable = (path: string, got: string, fix: string) =>
  new KitError('KEY_FILE_UNUSABLE', { path, expected: 'a 0600 file with one API key', got, fix })
