/**
 * The cost table of an earlier start, in a file that outlives the process: calibration is done once for
 * each model, host and build. Whatever does not fit is refused and measured anew.
 */
import { createHash, randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { CostTable } from './cost-table.ts'
import { folderCause } from './state-folder.ts'
import type { FolderCause } from './state-folder.ts'

/** What step costs depend on. */
export const CostKeySchema = z.strictObject({
  /** Digest of the model's file. */
  model: z.string(),
  /** Which build of the engine. */
  build: z.string(),
  /** Which CPU or accelerator. */
  host: z.string(),
  threads: z.int(),
  /** That the cgroup grants: fewer than a thread needs lengthen every step. */
  cores: z.number().nullable(),
  slots: z.int(),
  contextSize: z.int(),
})
export type CostKey = z.infer<typeof CostKeySchema>

const FileSchema = z.strictObject({
  format: z.literal(2),
  key: CostKeySchema,
  ms: z.array(z.number().positive()),
  /** Of the two above: one flipped bit of a number would be a number still. */
  sha256: z.string(),
})

export type CostTableRefusal =
  | 'unreadable'
  | 'damaged'
  | 'other_model'
  | 'other_build'
  | 'other_host'
  | 'other_threads'
  | 'other_slots'
  | 'other_context'

export type CostTableWarning =
  | { event: 'cost_table_refused'; cause: CostTableRefusal }
  | { event: 'cost_table_not_saved'; cause: FolderCause }

const NAME = 'cost-table.json'
type Warn = (warning: CostTableWarning) => void

/** Undefined: there is none that may be used, and `warn` says why if there is one. Never throws. */
export async function readCostTable(
  folder: string,
  key: CostKey,
  warn: Warn,
): Promise<CostTable | undefined> {
  const text = await readFile(join(folder, NAME), 'utf8').catch(absent)
  if (text === undefined) return undefined
  const judged = judgeCostTable(text ?? '', key)
  if (judged instanceof CostTable) return judged
  warn({ event: 'cost_table_refused', cause: judged })
  return undefined
}

/** Whole or not at all; false after `warn` said why not. Never throws. */
export async function writeCostTable(
  folder: string,
  key: CostKey,
  table: CostTable,
  warn: Warn,
): Promise<boolean> {
  const temporary = join(folder, `${randomBytes(16).toString('hex')}.part`)
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(costTableText(key, table))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, join(folder, NAME))
    return true
  } catch (error) {
    const cause = await folderCause(error, folder)
    await rm(temporary, { force: true }).catch(() => undefined)
    warn({ event: 'cost_table_not_saved', cause })
    return false
  }
}

/** What the file's text says, or why it is refused. Pure. */
export function judgeCostTable(text: string, key: CostKey): CostTable | CostTableRefusal {
  const file = parse(text)
  if (file === undefined) return 'unreadable'
  if (file.sha256 !== digestOf(file.key, file.ms)) return 'damaged'
  if (file.key.model !== key.model) return 'other_model'
  if (file.key.build !== key.build) return 'other_build'
  if (file.key.host !== key.host) return 'other_host'
  if (file.key.threads !== key.threads || file.key.cores !== key.cores) return 'other_threads'
  if (file.key.slots !== key.slots || file.ms.length !== key.slots) return 'other_slots'
  if (file.key.contextSize !== key.contextSize) return 'other_context'
  return new CostTable(file.ms)
}

export function costTableText(key: CostKey, { ms }: CostTable): string {
  return JSON.stringify({ format: 2, key, ms, sha256: digestOf(key, ms) })
}

function parse(text: string): z.infer<typeof FileSchema> | undefined {
  try {
    return FileSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

function digestOf(key: CostKey, ms: readonly number[]): string {
  const { model, build, host, threads, cores, slots, contextSize } = key
  const fields = JSON.stringify([2, model, build, host, threads, cores, slots, contextSize, ms])
  return createHash('sha256').update(fields).digest('hex')
}

/** A file that cannot be read counts as one without content; one whose folder is none is not there. */
function absent(error: unknown): '' | undefined {
  return ['ENOENT', 'ENOTDIR'].includes((error as { code?: string }).code ?? '') ? undefined : ''
}
