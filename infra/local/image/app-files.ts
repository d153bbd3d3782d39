import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

export const PROJECT = resolve(import.meta.dirname, '..', '..', '..')

/** Rooms that run in a pod; the rest of the project stays out of the image. */
const ROOMS = ['catalog', 'server', 'weights']

/** Path (from the project folder) and content of every source file of the image, sorted. */
export async function appFiles(): Promise<Map<string, Buffer>> {
  const paths: string[] = []
  for (const room of ROOMS) {
    const entries = await readdir(join(PROJECT, room), { recursive: true, withFileTypes: true })
    for (const entry of entries) {
      if (!entry.isFile() || !entry.name.endsWith('.ts')) continue
      paths.push(join(entry.parentPath, entry.name).slice(PROJECT.length + 1))
    }
  }
  const sorted = paths.sort()
  const contents = await Promise.all(sorted.map((path) => readFile(join(PROJECT, path))))
  return new Map(sorted.map((path, index) => [path, contents[index]!]))
}
