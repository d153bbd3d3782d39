import { KitError } from '../../../catalog/errors.ts'
import { inMemory } from '../../../weights/gguf/byte-source.ts'
import { checkModel } from '../../../weights/gguf/check-model.ts'
import { readGguf } from '../../../weights/gguf/read-gguf.ts'
import { ggufFile } from '../../helpers/small-gguf.ts'
import type { GgufParts } from '../../helpers/small-gguf.ts'

/** What `work` throws, which must be a KitError. */
export function refusalOf(work: () => unknown): KitError {
  try {
    work()
  } catch (error) {
    if (error instanceof KitError) return error
    throw error
  }
  throw new Error('it was not refused')
}

export const read = (file: Buffer, size = file.length) => readGguf(inMemory(file, size), 'a.gguf')

export const readRefusal = (file: Buffer, size = file.length) => refusalOf(() => read(file, size))

/** Throws what the rules for a model say of a file. */
export function check(parts: GgufParts): void {
  const source = inMemory(ggufFile(parts))
  checkModel(readGguf(source, 'a.gguf'), source)
}

/** Why a model is refused: code and message. */
export function refusal(parts: GgufParts): string {
  const { code, message } = refusalOf(() => check(parts))
  return `${code}: ${message}`
}
