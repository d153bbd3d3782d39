import { z } from 'zod'

/** Who sets the number of a model's pods: the gateway itself, or KEDA, which reads the gateway. */
export const ScalerSchema = z.enum(['gateway', 'keda'])
export type Scaler = z.infer<typeof ScalerSchema>

/** Path on the gateway's metrics port of one model's demand, as KEDA reads it. */
export const DEMAND_PATH = '/scaling/'

/** Of a model whose pods are scaled: what the gateway needs to know. */
export const ModelScalingSchema = z.strictObject({
  deployment: z.string().min(1).describe('Name of its Deployment in the namespace of the gateway'),
  min: z.int().min(0).max(1000).describe('Least pods; 0: none while nobody asks'),
  max: z.int().min(1).max(1000).describe('Most pods'),
  slots: z.int().min(1).max(64).describe('Requests that a pod decodes at once'),
  waitingPerReplica: z
    .int()
    .min(0)
    .max(10_000)
    .describe('Requests that may wait for a pod before one more is started'),
  waitMs: z.int().min(1).describe('Predicted wait above which one more is started, milliseconds'),
  idleMs: z
    .int()
    .min(1000)
    .describe('For so long fewer pods must have been enough before any is removed, milliseconds'),
  maxHeld: z.int().min(1).describe('Requests that the gateway holds while no pod is ready'),
})
export type ModelScaling = z.infer<typeof ModelScalingSchema>

export const ScalingSchema = z.strictObject({
  by: ScalerSchema,
  lease: z
    .string()
    .min(1)
    .optional()
    .describe('Lease through which gateways tell each other their demand; needed by gateway'),
  holdMs: z
    .int()
    .min(1000)
    .max(3_600_000)
    .default(300_000)
    .describe('A request waits so long for a pod, milliseconds'),
})
export type Scaling = z.infer<typeof ScalingSchema>
