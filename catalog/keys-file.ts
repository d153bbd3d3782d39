import { z } from 'zod'
import { KeySchema } from './stack-file.ts'

/** `keys.json` in the Secret that both roles mount and re-read, so that revoking needs no restart. */
export const KeysFileSchema = z.strictObject({ keys: z.array(KeySchema) })
export type KeysFile = z.infer<typeof KeysFileSchema>
