import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DecodeContext } from './decode-context.ts'

const FEW = 8
const MORE = 16

/**
 * At least the bytes of a slot's state by its tokens, from two small ones: a head, and as much again for
 * each token. Slot 0 must be empty, and is afterwards. Throws when `folder` cannot be written to.
 */
export async function measureStateBytes(
  context: DecodeContext,
  token: number,
  folder: string,
): Promise<(tokens: number) => number> {
  const path = join(folder, `${randomBytes(16).toString('hex')}.measure`)
  try {
    await context.decode([{ slot: 0, position: 0, tokens: new Uint32Array(MORE).fill(token) }])
    const more = await context.save(0, path)
    context.truncate(0, FEW)
    const few = await context.save(0, path)
    const each = Math.ceil((more - few) / (MORE - FEW))
    return (tokens) => Math.max(0, few - FEW * each) + tokens * each
  } finally {
    context.truncate(0, 0)
    await rm(path, { force: true }).catch(() => undefined)
  }
}
