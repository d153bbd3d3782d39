import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { boundaryOf } from '../../server/engine/boundary.ts'
import { SavedPrefixes } from '../../server/engine/saved-prefixes.ts'
import type { SavedPrefixesOptions } from '../../server/engine/saved-prefixes.ts'
import { requireMemory } from '../../server/engine/state-folder.ts'
import { FakeStateFiles, fakeBytes } from '../helpers/fake-state-files.ts'

const parts = { tenant: 'land-office', modelDigest: 'm', adapterDigest: 'none' }
const A = boundaryOf(parts)
const B = boundaryOf({ ...parts, tenant: 'health' })

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'serantau-prefixes-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

async function openTier(options: Partial<SavedPrefixesOptions> = {}) {
  const files = new FakeStateFiles()
  const warnings: unknown[] = []
  const tier = await SavedPrefixes.open({
    folder,
    maxBytes: 10 * fakeBytes(10),
    bytesFor: fakeBytes,
    slidingWindow: undefined,
    files,
    warn: (warning) => warnings.push(warning),
    requireMemory: () => Promise.resolve(),
    ...options,
  })
  const keep = (tokens: number[], boundary = A, pinned = false) => {
    files.slots.set(0, tokens)
    return tier.save(0, boundary, tokens, pinned)
  }
  return { tier, files, warnings, keep }
}

const kept = () =>
  existsSync(join(folder, 'prefixes')) ? readdirSync(join(folder, 'prefixes')) : []
const bytesOnDisk = () =>
  kept().reduce((sum, name) => sum + statSync(join(folder, 'prefixes', name)).size, 0)
const ten = (first: number) => Array.from({ length: 10 }, (_, at) => first * 100 + at)
const error = (code: string) => Object.assign(new Error('boom'), { code })

describe('RAM tier of the prefix cache', () => {
  test('gives back what was saved, and stays within its bytes on the file system', async () => {
    const prompt = fc.record({
      boundary: fc.constantFrom(A, B),
      tokens: fc.array(fc.nat(2), { minLength: 1, maxLength: 30 }),
      pinned: fc.nat(7).map((number) => number === 0),
    })
    let hits = 0
    await fc.assert(
      fc.asyncProperty(fc.array(prompt, { minLength: 10, maxLength: 30 }), async (prompts) => {
        const { tier, files, warnings } = await openTier({ maxBytes: 400 })
        files.afterSave = () => {
          expect(bytesOnDisk()).toBeLessThanOrEqual(400)
        }
        // All at once: saves and reads overlap.
        await Promise.all(
          prompts.map(async ({ boundary, tokens, pinned }, slot) => {
            files.slots.set(slot, tokens)
            const saved = await tier.save(slot, boundary, tokens, pinned)
            const found = tier.longest(boundary, tokens)
            if (saved && pinned) expect(found?.length).toBe(tokens.length)
            if (found === undefined) return
            const reader = 1000 + slot
            const length = await tier.load(found.holder, boundary, reader)
            if (length === undefined) return
            hits++
            expect(files.slots.get(reader)).toHaveLength(length)
            expect(files.slots.get(reader)?.slice(0, found.length)).toEqual(
              tokens.slice(0, found.length),
            )
          }),
        )
        expect(tier.stats().bytes).toBeLessThanOrEqual(400)
        expect(kept()).toHaveLength(tier.stats().entries)
        expect(warnings).toEqual([])
        await tier.close()
        expect(kept()).toEqual([])
      }),
      { numRuns: 60 },
    )
    expect(hits).toBeGreaterThan(200)
  })

  describe('step by step', () => {
    const MOST = 260
    const text = {
      boundary: fc.constantFrom(A, B),
      tokens: fc.array(fc.nat(2), { minLength: 5, maxLength: 30 }),
    }
    const one = <Kind extends string>(kind: Kind) => fc.constant(kind)
    const pinned = fc.nat(5).map((number) => number === 0)
    const code = fc.constantFrom('ENOSPC', 'EROFS', '')
    const step = fc.oneof(
      { weight: 10, arbitrary: fc.record({ kind: one('save'), ...text, pinned }) },
      { weight: 6, arbitrary: fc.record({ kind: one('load'), ...text }) },
      { weight: 2, arbitrary: fc.record({ kind: one('read'), ...text }) },
      { weight: 2, arbitrary: fc.record({ kind: one('endRead') }) },
      { weight: 3, arbitrary: fc.record({ kind: one('damage'), which: fc.nat(4) }) },
      { weight: 1, arbitrary: fc.record({ kind: one('fail'), ...text, code }) },
    )

    async function watched(overheadBytes: number) {
      const opened = await openTier({
        ...{ maxBytes: MOST, bytesFor: (tokens) => fakeBytes(tokens) + overheadBytes },
      })
      const { files } = opened
      const written: number[] = []
      const save = files.save.bind(files)
      files.save = (slot, path) => save(slot, path).finally(() => written.push(bytesOnDisk()))
      return { ...opened, written, reading: [] as number[] }
    }

    test('never takes more than its bytes, whatever is saved, read, damaged or cannot be written', async () => {
      const seen = { displaced: 0, refused: 0, dropped: 0, failed: 0 }
      const steps = fc.array(step, { minLength: 40, maxLength: 90 })
      await fc.assert(
        fc.asyncProperty(steps, fc.constantFrom(0, 40), async (life, overheadBytes) => {
          let now = await watched(overheadBytes)
          for (const next of life) {
            const { tier, files, keep, reading } = now
            const before = tier.stats().entries
            if (next.kind === 'save') {
              const saved = await keep(next.tokens, next.boundary, next.pinned)
              if (!saved) seen.refused++
              else if (tier.stats().entries <= before) seen.displaced++
            } else if (next.kind === 'endRead') tier.endRead(reading.pop() ?? -1)
            else if (next.kind === 'damage') {
              const name = kept()[next.which]
              if (name !== undefined) truncateSync(join(folder, 'prefixes', name), 3)
            } else {
              const found = tier.longest(next.boundary, next.tokens)?.holder
              if (next.kind === 'read' && found !== undefined && tier.startRead(found)) {
                reading.push(found)
              } else if (next.kind === 'load' && found !== undefined) {
                if ((await tier.load(found, next.boundary, 5)) === undefined) seen.dropped++
              } else if (next.kind === 'fail') {
                files.failSave = error(next.code)
                await keep(next.tokens, next.boundary)
                files.failSave = undefined
              }
            }
            const { entries, bytes } = tier.stats()
            expect(Math.max(bytes, ...now.written)).toBeLessThanOrEqual(MOST)
            // Nothing lies there that is not counted.
            expect(bytesOnDisk()).toBeLessThanOrEqual(bytes)
            expect(kept()).toHaveLength(entries)
            if (tier.on) continue
            seen.failed++
            expect(entries).toBe(0)
            now = await watched(overheadBytes)
          }
          await now.tier.close()
          expect(kept()).toEqual([])
        }),
        { numRuns: 60 },
      )
      for (const times of Object.values(seen)) expect(times).toBeGreaterThan(10)
    })
  })

  test('never serves another boundary, whatever the id', async () => {
    const { tier, files, keep } = await openTier()
    await keep(ten(1))
    expect(tier.longest(B, ten(1))).toBeUndefined()
    const id = tier.longest(A, ten(1))?.holder ?? -1
    expect(await tier.load(id, B, 5)).toBeUndefined()
    expect(files.loads).toBe(0)
    expect(await tier.load(id, A, 5)).toBe(10)
  })

  test('does not evict a state that is being read', async () => {
    const { tier, files, keep } = await openTier({ maxBytes: fakeBytes(10) })
    await keep(ten(1))
    let refused: boolean | undefined
    files.whileLoading = async () => {
      refused = !(await keep(ten(2)))
    }
    expect(await tier.load(tier.longest(A, ten(1))?.holder ?? -1, A, 5)).toBe(10)
    expect(files.slots.get(5)).toEqual(ten(1))
    expect(refused).toBe(true)
    expect(await keep(ten(2))).toBe(true)
    expect(tier.longest(A, ten(1))).toBeUndefined()
  })

  test('keeps pinned states through any number of others', async () => {
    const { tier, keep } = await openTier({ maxBytes: 3 * fakeBytes(10) })
    await keep(ten(0), A, true)
    await keep(ten(1))
    // Saved before, pinned later.
    await keep(ten(1), A, true)
    for (let first = 2; first < 30; first++) expect(await keep(ten(first))).toBe(true)
    expect(tier.longest(A, ten(0))?.length).toBe(10)
    expect(tier.longest(A, ten(1))?.length).toBe(10)
    expect(tier.stats().entries).toBe(3)
    await keep(ten(99), A, true)
    // Nothing but pinned states: no room, and still no failure.
    expect(await keep(ten(2))).toBe(false)
    expect(tier.on).toBe(true)
  })

  test('writes equal tokens once, and replaces a prefix by the longer state', async () => {
    const { tier, files, keep } = await openTier()
    await keep(ten(1))
    await keep(ten(1))
    expect(files.saves).toBe(1)
    await keep(ten(1), B)
    await keep([...ten(1), 7])
    expect(tier.stats().entries).toBe(2)
    expect(tier.longest(A, ten(1))?.length).toBe(10)
    expect(tier.longest(B, ten(1))?.length).toBe(10)
    // The longer one serves the shorter.
    await keep(ten(1))
    expect(files.saves).toBe(3)
  })

  test('offers a state that misses what a sliding window passed only where nothing is missing', async () => {
    const { tier, keep } = await openTier({ slidingWindow: 10 })
    // All of it lies in the window.
    await keep(ten(1))
    expect(tier.longest(A, ten(1).slice(0, 4))?.length).toBe(4)
    // It does not serve the shorter one: both stay.
    await keep([...ten(1), 7, 8])
    expect(tier.stats().entries).toBe(2)
    expect(tier.longest(A, [...ten(1), 7, 8])?.length).toBe(12)
    expect(tier.longest(A, [...ten(1), 7, 9])?.length).toBe(11)
    expect(tier.longest(A, [...ten(1), 9])?.length).toBe(10)
    await keep(ten(2).concat(7, 8))
    expect(tier.longest(A, ten(2))).toBeUndefined()
  })

  test('names files at random, in a folder that only its owner may read', async () => {
    const { keep } = await openTier()
    await keep(ten(1))
    const first = kept()
    expect(first[0]).toMatch(/^[0-9a-f]{32}\.kv$/)
    expect(statSync(join(folder, 'prefixes')).mode & 0o777).toBe(0o700)
    rmSync(join(folder, 'prefixes'), { recursive: true })
    await (await openTier()).keep(ten(1))
    expect(kept()).not.toEqual(first)
  })

  test('removes the files of an earlier process and nothing else', async () => {
    await (await openTier()).keep(ten(1))
    expect(kept()).toHaveLength(1)
    mkdirSync(join(folder, 'system-prompts'))
    const others = ['prefixes/notes.txt', 'system-prompts/a.state', `${'a'.repeat(32)}.kv`]
    for (const name of others) writeFileSync(join(folder, name), 'x')
    await openTier()
    expect(kept()).toEqual(['notes.txt'])
    for (const name of others) expect(existsSync(join(folder, name))).toBe(true)
  })

  test('drops a state that cannot be read and goes on', async () => {
    const { tier, keep, warnings } = await openTier()
    await keep(ten(1))
    await keep(ten(2))
    const id = tier.longest(A, ten(1))?.holder ?? -1
    for (const name of kept()) rmSync(join(folder, 'prefixes', name))
    expect(await tier.load(id, A, 5)).toBeUndefined()
    expect(tier.longest(A, ten(1))).toBeUndefined()
    expect(await keep(ten(3))).toBe(true)
    expect(warnings).toEqual([])
  })

  test('refuses a state of another length than was saved', async () => {
    const { tier, files, keep } = await openTier()
    await keep(ten(1))
    const id = tier.longest(A, ten(1))?.holder ?? -1
    const load = files.load.bind(files)
    files.load = async (slot, path) => (await load(slot, path)) - 1
    expect(await tier.load(id, A, 5)).toBeUndefined()
    expect(tier.longest(A, ten(1))).toBeUndefined()
    expect(kept()).toEqual([])
  })

  test('goes without a warning when it has no bytes', async () => {
    const { tier, keep, warnings } = await openTier({ maxBytes: 0 })
    expect(await keep(ten(1))).toBe(false)
    expect([tier.on, warnings]).toEqual([false, []])
  })
})

describe('RAM tier that fails', () => {
  const off = (cause: string) => [{ event: 'prefix_cache_off', cause }]

  test.each([
    ['ENOSPC', 'folder_full'],
    ['EROFS', 'folder_read_only'],
    ['ENOENT', 'folder_missing'],
    ['', 'failed'],
  ])('turns off on %s with one warning, and leaves no text behind', async (code, cause) => {
    const { tier, files, keep, warnings } = await openTier()
    await keep(ten(1))
    files.failSave = error(code)
    expect(await keep(ten(2))).toBe(false)
    expect(tier.on).toBe(false)
    expect(tier.longest(A, ten(1))).toBeUndefined()
    expect(kept()).toEqual([])
    expect(await keep(ten(3))).toBe(false)
    expect(warnings).toEqual(off(cause))
    expect(tier.stats()).toEqual({ entries: 0, bytes: 0 })
  })

  test('notices that less was written than native code says', async () => {
    const { files, keep, warnings } = await openTier()
    const save = files.save.bind(files)
    files.save = async (slot, path) => (await save(slot, path)) + 1
    expect(await keep(ten(1))).toBe(false)
    expect(warnings).toEqual(off('folder_full'))
  })

  test('keeps nothing of a state that is larger than foretold and does not fit', async () => {
    const { tier, keep } = await openTier({ maxBytes: fakeBytes(10) - 1, bytesFor: () => 1 })
    expect(await keep(ten(1))).toBe(false)
    expect(kept()).toEqual([])
    expect(tier.stats()).toEqual({ entries: 0, bytes: 0 })
    expect(tier.on).toBe(true)
  })

  test.each([
    ['that is missing', () => join(folder, 'no', 'such')],
    [
      'whose parent is a file',
      () => {
        writeFileSync(join(folder, 'file'), '')
        return join(folder, 'file', 'folder')
      },
    ],
  ])('is off in a folder %s', async (_, path) => {
    const { tier, keep, warnings } = await openTier({ folder: path() })
    expect([tier.on, await keep(ten(1))]).toEqual([false, false])
    expect(warnings).toEqual(off('folder_missing'))
  })

  test('is off in a folder that others may read', async () => {
    mkdirSync(join(folder, 'prefixes'))
    chmodSync(join(folder, 'prefixes'), 0o755)
    expect((await openTier()).warnings).toEqual(off('not_private'))
  })

  test.runIf(process.platform === 'linux')('is off in a folder that is not in memory', async () => {
    const { tier, warnings } = await openTier({ folder: '/proc', requireMemory })
    expect(tier.on).toBe(false)
    expect(warnings).toEqual(off('not_in_memory'))
  })

  test('tells memory from disks by the type of the file system', async () => {
    const ask = (type: number) => () => Promise.resolve({ type }) as never
    const tmpfs = 0x01021994
    const ramfs = 0x858458f6
    for (const type of [tmpfs, ramfs, ramfs | 0]) {
      await expect(requireMemory('/x', ask(type))).resolves.toBeUndefined()
    }
    const [ext4, xfs, overlay, nfs] = [0xef53, 0x58465342, 0x794c7630, 0x6969]
    for (const type of [ext4, xfs, overlay, nfs]) {
      await expect(requireMemory('/x', ask(type ?? 0))).rejects.toThrow('not_in_memory')
    }
  })
})
