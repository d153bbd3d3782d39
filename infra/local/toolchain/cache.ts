import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { arch } from 'node:process'
import { join } from 'node:path'
import { cacheFolder } from '../paths.ts'
import type { ToolName, ToolRow } from './table.ts'

export const toolFolder = (name: ToolName | 'go'): string => join(cacheFolder(), 'tools', name)
export const moduleFolder = (name: ToolName): string => join(import.meta.dirname, name)

/** Everything that a built program depends on: another version, module file or flag is another entry. */
export async function cacheKey(name: ToolName, row: ToolRow): Promise<string> {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([row.version, row.package, row.ldflags, arch]))
  const folder = moduleFolder(name)
  for (const file of (await readdir(folder)).sort()) {
    if (!/\.go$|^go\.(mod|sum)$/.test(file)) continue
    hash.update(`${file}\0`).update(await readFile(join(folder, file)))
  }
  return hash.digest('hex').slice(0, 16)
}
