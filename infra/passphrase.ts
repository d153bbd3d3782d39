import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { KitError } from '../catalog/index.ts'
import { stateFolder } from './local/paths.ts'

export const passphrasePath = (): string => join(stateFolder(), 'passphrase')

/**
 * The passphrase that encrypts secrets in Pulumi's state, made once in a 0600 file. Without it the
 * state cannot be read: `doctor` tells people to back it up.
 */
export async function ensurePassphrase(): Promise<string> {
  const path = passphrasePath()
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeFile(path, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(path, error as Error)
  }
  try {
    await chmod(path, 0o600)
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    throw unusable(path, error as Error)
  }
}

const unusable = (path: string, error: Error) =>
  new KitError('KEY_FILE_UNUSABLE', {
    path,
    expected: 'a readable and writable passphrase file',
    got: error.message,
    fix: 'restore it from your backup, or make the state folder writable',
  })
