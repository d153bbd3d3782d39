import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DecodeContext } from '../../server/engine/decode-context.ts'
import { measureStateBytes } from '../../server/engine/state-bytes.ts'
import { SimulatedSlots } from '../helpers/simulated-slots.ts'

const SIZES = { slots: 2, contextSize: 300, batchSize: 300 }

/** Slots whose states take so many bytes. */
class SizedSlots extends SimulatedSlots {
  readonly #bytesOf: (tokens: number) => number

  constructor(bytesOf: (tokens: number) => number) {
    super(SIZES)
    this.#bytesOf = bytesOf
  }

  override async save(slot: number, path: string): Promise<number> {
    const bytes = this.#bytesOf(this.lengthOf(slot))
    await writeFile(path, Buffer.alloc(bytes))
    return bytes
  }
}

let folder = ''
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'serantau-state-bytes-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const measured = (context: SimulatedSlots) =>
  measureStateBytes(context as unknown as DecodeContext, 1, folder)

describe('the bytes of a state by its tokens', () => {
  test.each([
    { head: 16, each: 4 },
    { head: 0, each: 23_040 },
    { head: 70_000, each: 1 },
  ])('are measured by two small ones: %o', async ({ head, each }) => {
    const bytesFor = await measured(new SizedSlots((tokens) => head + tokens * each))
    for (const tokens of [1, 7, 8, 9, 16, 17, 300, 32_768]) {
      expect(bytesFor(tokens)).toBe(head + tokens * each)
    }
  })

  test('are never too few for a state that is kept, where those of a token are not whole', async () => {
    const bytesOf = (tokens: number) => 100 + Math.ceil(tokens * 4.3)
    const bytesFor = await measured(new SizedSlots(bytesOf))
    // Shorter ones are not kept.
    for (let tokens = 64; tokens <= 4096; tokens++) {
      expect(bytesFor(tokens)).toBeGreaterThanOrEqual(bytesOf(tokens))
    }
  })

  test('are those that a slot then takes', async () => {
    const context = new SimulatedSlots(SIZES)
    const bytesFor = await measured(context)
    await context.decode([{ slot: 0, position: 0, tokens: new Uint32Array(200).fill(5) }])
    expect(await context.save(0, join(folder, 'a'))).toBe(bytesFor(200))
  })

  test('leave the slot empty and no file behind', async () => {
    const context = new SimulatedSlots(SIZES)
    await measured(context)
    expect([context.lengthOf(0), readdirSync(folder)]).toEqual([0, []])
  })

  test('are not known where nothing can be written, and the slot is empty all the same', async () => {
    const context = new SimulatedSlots(SIZES)
    rmSync(folder, { recursive: true })
    await expect(measured(context)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(context.lengthOf(0)).toBe(0)
  })

  test('leave no file behind where the second one fails', async () => {
    let saves = 0
    const context = new SizedSlots((tokens) => {
      if (++saves === 2) throw new Error('full')
      return tokens
    })
    await expect(measured(context)).rejects.toThrow('full')
    expect([context.lengthOf(0), readdirSync(folder)]).toEqual([0, []])
  })
})
