import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const RecordSchema = z.strictObject({
  /** Path of the file in the entry that it is about: a program, an archive. */
  file: z.string(),
  sha256: z.string(),
  how: z.enum(['fetched', 'built']),
})
export type CacheRecord = z.infer<typeof RecordSchema>

/** The file of a whole entry; undefined: none is there. Does not read the file. */
export async function peek(
  entry: string,
): Promise<{ path: string; record: CacheRecord } | undefined> {
  const text = await readFile(join(entry, 'record.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const record = RecordSchema.parse(JSON.parse(text))
    return { path: join(entry, record.file), record }
  } catch {
    return undefined
  }
}

/** The file, if it is byte for byte what was put there. */
export async function verified(entry: string): Promise<string | undefined> {
  const found = await peek(entry)
  if (!found) return undefined
  const digest = await digestOf(found.path).catch(() => undefined)
  return digest === found.record.sha256 ? found.path : undefined
}

/**
 * Makes the entry by `fill`, which puts files into an empty folder and names the one it is about. It
 * appears whole or not at all; what a killed run left half-done beside it is removed first, so the
 * caller must hold a lock on the parent folder.
 */
export async function putEntry(
  entry: string,
  fill: (folder: string) => Promise<Omit<CacheRecord, 'sha256'>>,
): Promise<string> {
  const parent = join(entry, '..')
  await mkdir(parent, { recursive: true })
  for (const left of await readdir(parent)) {
    if (left.includes('.part-')) await rm(join(parent, left), { recursive: true, force: true })
  }
  const work = `${entry}.part-${process.pid}`
  await mkdir(work)
  try {
    const made = await fill(work)
    const sha256 = await digestOf(join(work, made.file))
    await flush(join(work, made.file))
    await writeFile(join(work, 'record.json'), JSON.stringify({ ...made, sha256 }), { flush: true })
    await rm(entry, { recursive: true, force: true })
    await rename(work, entry)
    return join(entry, made.file)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk)
  return hash.digest('hex')
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
