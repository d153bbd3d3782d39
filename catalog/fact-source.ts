import { z } from 'zod'

/** Where facts come from and when they stood there. */
export const FactSourceSchema = z.strictObject({
  facts: z.string().min(1).describe('Which facts, e.g. "memory, bandwidth"'),
  url: z.url({ protocol: /^https$/ }),
  date: z.iso.date().describe('Day on which they were read there, or of the version read'),
})
export type FactSource = z.infer<typeof FactSourceSchema>
