import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { CostTable } from '../../../server/engine/cost-table.ts'
import { CostKeySchema, costTableText } from '../../../server/engine/cost-table-file.ts'
import { MEASURED } from '../open-engine.ts'

const FileSchema = z.object({ key: CostKeySchema, ms: z.array(z.number()) })
/** Rows of a step that pays. */
const TILE = 8
/** Milliseconds of the others, by what they were. */
const DEARER = 4

/** Rewrites what an engine measured of its steps so that it fills them up to whole tiles. */
export async function writeTableWithDips(stateFolder: string): Promise<void> {
  const path = join(stateFolder, MEASURED)
  const { key, ms } = FileSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  const dipped = ms.map((value, at) => ((at + 1) % TILE === 0 ? value : value * DEARER))
  await writeFile(path, costTableText(key, new CostTable(dipped)))
}
