import { readFile, rm, writeFile } from 'node:fs/promises'
import type { StateFiles } from '../../server/engine/state-folder.ts'

/** Bytes of a state file of the fake for so many tokens. */
export const fakeBytes = (tokens: number) => 16 + 4 * tokens

/** Slots as lists of tokens, and real files in which they lie. */
export class FakeStateFiles implements StateFiles {
  readonly slots = new Map<number, number[]>()
  saves = 0
  loads = 0
  /** The next save throws it after it wrote one half. */
  failSave: Error | undefined
  /** Runs while a file is read. */
  whileLoading: (() => Promise<void>) | undefined
  afterSave: (() => void) | undefined

  async save(slot: number, path: string): Promise<number> {
    this.saves++
    const tokens = this.slots.get(slot) ?? []
    const data = Buffer.alloc(fakeBytes(tokens.length), 0x5a)
    data.writeUInt32LE(tokens.length)
    tokens.forEach((token, at) => data.writeUInt32LE(token, 16 + 4 * at))
    const failure = this.failSave
    this.failSave = undefined
    await writeFile(path, failure === undefined ? data : data.subarray(0, data.length / 2))
    if (failure !== undefined) throw failure
    this.afterSave?.()
    return data.length
  }

  async load(slot: number, path: string): Promise<number> {
    this.loads++
    this.slots.set(slot, [])
    await this.whileLoading?.()
    const data = await readFile(path)
    const count = data.readUInt32LE()
    const tokens = Array.from({ length: count }, (_, at) => data.readUInt32LE(16 + 4 * at))
    this.slots.set(slot, tokens)
    return count
  }

  async remove(path: string): Promise<void> {
    await rm(path, { force: true })
  }
}
