import { z } from 'zod'
import { Sha256Schema } from './base-model.ts'

/** The engine's native code, compiled from its source: what it runs on and whether it is whole. */
export const AddonRecordSchema = z.strictObject({
  engine: z.string().describe('Version of node-llama-cpp that it was built from'),
  /** Digest of everything that it was built from. */
  key: z.string(),
  cpu: z
    .strictObject({ model: z.string(), features: z.array(z.string()) })
    .optional()
    .describe('Native: the CPU that it was built for. Absent: it holds code for every CPU'),
  patches: z.array(z.string()).describe('Our patches in it, as `patchLabel` names them'),
  files: z.record(z.string(), Sha256Schema).describe('Digest of every file beside this one'),
})
export type AddonRecord = z.infer<typeof AddonRecordSchema>

/** A patch as it is now: a changed one has another label. */
export const patchLabel = (name: string, sha256: string): string => `${name} ${sha256.slice(0, 12)}`

/** Lies beside the compiled files. */
export const ADDON_RECORD = 'serantau-addon.json'
