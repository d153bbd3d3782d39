import { statSync } from 'node:fs'
import { KitError } from '../../catalog/errors.ts'
import { withFile } from './byte-source.ts'
import { checkModel } from './check-model.ts'
import { readGguf } from './read-gguf.ts'
import type { Gguf } from './read-gguf.ts'

/**
 * What a file of weights says of itself, if it is a whole model that native code may see. Its digest is another
 * matter. `bytes`: how long it must be. Throws KitError WEIGHTS_UNAVAILABLE, WEIGHTS_CORRUPT, WEIGHTS_NOT_SERVABLE.
 */
export function readModelFile(path: string, bytes?: number): Gguf {
  requireFile(path, bytes)
  return withFile(path, (source) => {
    const gguf = readGguf(source, path)
    checkModel(gguf, source)
    return gguf
  })
}

/** A pipe or a device would keep whoever opens it waiting. */
export function requireFile(path: string, bytes?: number): void {
  const found = statSync(path, { throwIfNoEntry: false })
  const isFile = found?.isFile() === true
  if (isFile && (bytes === undefined || found.size === bytes)) return
  throw new KitError(isFile ? 'WEIGHTS_CORRUPT' : 'WEIGHTS_UNAVAILABLE', {
    path,
    expected: bytes === undefined ? 'a file' : `a file of ${bytes} bytes`,
    got: isFile ? `${found.size} bytes` : found === undefined ? 'none' : 'something else',
    fix: 'let the weights be imported again',
  })
}
