import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { KitError, type Key } from '../catalog/index.ts'
import { stateFolder } from './local/paths.ts'

export const keyPath = (stack: string, name: string): string =>
  join(stateFolder(), 'keys', stack, `${name}.key`)

/** A new API key: stored once in a 0600 file; the stack file gets only its hash. */
export async function createKey(stack: string, name: string): Promise<{ key: Key; path: string }> {
  const secret = `sk-serantau-${randomBytes(32).toString('base64url')}`
  const path = keyPath(stack, name)
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeFile(path, `${secret}\n`, { mode: 0o600 })
    await chmod(path, 0o600)
  } catch (error) {
    throw new KitError('KEY_FILE_UNUSABLE', {
      path,
      expected: 'a place to store the new API key',
      got: (error as Error).message,
      fix: 'make the folder writable, or move it with SERANTAU_HOME',
    })
  }
  return {
    key: { name, sha256: createHash('sha256').update(secret).digest('hex'), role: 'user' },
    path,
  }
}
