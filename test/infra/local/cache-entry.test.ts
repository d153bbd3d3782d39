import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, open, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { peek, putEntry, verified } from '../../../infra/local/cache-entry.ts'

describe('an entry of the cache', () => {
  let folder = ''
  let entry = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'serantau-cache-'))
    entry = join(folder, 'tool', 'abc')
  })
  afterEach(() => rm(folder, { recursive: true }))
  const fill = async (work: string): Promise<{ file: string; how: 'built' }> => {
    await writeFile(join(work, 'program'), 'content')
    return { file: 'program', how: 'built' }
  }

  it('gives back what was put there', async () => {
    const path = await putEntry(entry, fill)
    expect(await readFile(path, 'utf8')).toBe('content')
    expect(await verified(entry)).toBe(path)
    expect((await peek(entry))?.record.how).toBe('built')
  })

  it('is none when one byte of the file changed, even if its size did not', async () => {
    const path = await putEntry(entry, fill)
    const file = await open(path, 'r+')
    await file.write('X', 3)
    await file.close()
    expect(await verified(entry)).toBeUndefined()
    await putEntry(entry, fill)
    expect(await verified(entry)).toBe(path)
  })

  it.each(['', '{', '{"file":"program"}'])('is none when its record is %j', async (record) => {
    await putEntry(entry, fill)
    await writeFile(join(entry, 'record.json'), record)
    expect(await verified(entry)).toBeUndefined()
  })

  it('is none, and leaves nothing, when making it failed', async () => {
    const failing = putEntry(entry, async (work) => {
      await writeFile(join(work, 'program'), 'half')
      throw new Error('no compiler')
    })
    await expect(failing).rejects.toThrow('no compiler')
    expect(await readdir(join(folder, 'tool'))).toEqual([])
  })

  it('clears what a killed run left half-done', async () => {
    await mkdir(`${entry}.part-12345`, { recursive: true })
    await putEntry(entry, fill)
    expect(existsSync(`${entry}.part-12345`)).toBe(false)
  })
})
