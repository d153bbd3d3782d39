import { z } from 'zod'
import { CACHE_TYPE_IDS } from './cache-type.ts'
import { ModelIdSchema, Sha256Schema } from './base-model.ts'
import { QuantitySchema } from './quantity.ts'
import { ModelScalingSchema, ScalingSchema } from './scaling.ts'

/** System prompts of a model: how many, and the characters of one and of all. They lie in a ConfigMap. */
export const MOST_SYSTEM_PROMPTS = 16
export const MOST_SYSTEM_PROMPT_CHARACTERS = 65_536
export const MOST_SYSTEM_PROMPT_BYTES = 262_144

/** Limits of every request, either role. */
export const LimitsSchema = z.strictObject({
  maxBodyBytes: z.int().min(1024).default(1_048_576),
  /** A client that takes no byte for so long is cut. */
  slowClientMs: z.int().min(100).default(30_000),
  /** Time to receive a whole request. */
  requestReceiveMs: z.int().min(100).default(30_000),
  /** Longest answer; the pod's grace period must be longer. */
  maxStreamMs: z.int().min(1000).default(120_000),
  maxStreamsPerKey: z.int().min(1).default(64),
})
export type Limits = z.infer<typeof LimitsSchema>
export const defaultLimits = LimitsSchema.parse({})

const ServedModelSchema = z.strictObject({
  id: ModelIdSchema,
  digest: Sha256Schema.describe('of the GGUF file'),
  licence: z.string(),
  created: z.int().min(0).default(0).describe('Unix seconds, as /v1/models shows it'),
})

export const GatewayConfigSchema = z.strictObject({
  role: z.literal('gateway'),
  models: z
    .array(
      ServedModelSchema.extend({
        url: z.url().describe('Base URL of its model Service, without path'),
        scaling: ModelScalingSchema.optional().describe('Present: its pods are scaled'),
      }),
    )
    .min(1),
  tls: z
    .strictObject({ certFile: z.string(), keyFile: z.string() })
    .optional()
    .describe('Present: the API speaks HTTPS'),
  scaling: ScalingSchema.optional().describe('How models with `scaling` are scaled'),
  limits: LimitsSchema.default(defaultLimits),
})
export type GatewayConfig = z.infer<typeof GatewayConfigSchema>

export const ModelConfigSchema = z.strictObject({
  role: z.literal('model'),
  model: ServedModelSchema.extend({
    file: z.string().describe('Path of the verified GGUF file in the pod'),
    bytes: z.int().positive().optional().describe('Size of the file; checked before it is loaded'),
    gpu: z.boolean().optional().describe('true: offload to the accelerator that the pod has'),
    contextSize: z.int().min(64).describe('Tokens of one request: prompt and answer'),
    slots: z.int().min(1).max(64).describe('Requests decoded at once'),
    cacheType: z.enum(CACHE_TYPE_IDS).default('f16').describe('Of keys and values'),
    chat: z.boolean().describe('false: chat is a typed 400, the file has no template'),
    maxQueued: z.int().min(0).default(64).describe('Requests that may wait for a slot'),
    firstTokenMs: z
      .int()
      .min(100)
      .default(30_000)
      .describe('A request whose first token would come later is refused, milliseconds'),
    interTokenMs: z
      .int()
      .min(10)
      .default(100)
      .describe('Pause that prompts of others aim not to exceed in an answer, milliseconds'),
    systemPrompts: z
      .array(z.string().min(1).max(MOST_SYSTEM_PROMPT_CHARACTERS))
      .max(MOST_SYSTEM_PROMPTS)
      .default([])
      .describe("The operator's own texts, that every tenant's requests may begin with"),
  }),
  state: z
    .strictObject({ folder: z.string() })
    .optional()
    .describe('Folder, on a disk too, for states of system prompts and measured step costs'),
  prefixCache: z
    .strictObject({ folder: z.string(), memory: QuantitySchema })
    .optional()
    .describe('Folder that lies in memory, and its size, for prefixes whose slot was taken'),
  limits: LimitsSchema.default(defaultLimits),
})
export type ModelConfig = z.infer<typeof ModelConfigSchema>

/** The one document that infra writes (a ConfigMap) and the server reads. */
export const ServingConfigSchema = z.discriminatedUnion('role', [
  GatewayConfigSchema,
  ModelConfigSchema,
])
export type ServingConfig = z.infer<typeof ServingConfigSchema>
