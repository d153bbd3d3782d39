import { z } from 'zod'

/** How llama-server is tuned. */
export const LlamaFlagsSchema = z.strictObject({
  /** -np */
  parallel: z.int(),
  /** -kvu: one pool of keys and values for all slots. */
  unified: z.boolean(),
  /** -b: most prompt tokens of one step. */
  batch: z.int(),
  /** --cache-ram, MiB; undefined: llama-server's default. */
  cacheRam: z.int().optional(),
  /** -fa; undefined: llama-server's default, auto. */
  flashAttention: z.enum(['on', 'off']).optional(),
  swaFull: z.boolean(),
  backendSampling: z.boolean(),
  /** Its threads spin between the parts of a step (environment of OpenMP). */
  spin: z.boolean(),
  /** Flags that only some workloads try. */
  more: z.array(z.string()),
})
export type LlamaFlags = z.infer<typeof LlamaFlagsSchema>

export const SPINNING = { OMP_WAIT_POLICY: 'active', GOMP_SPINCOUNT: '1000000' }

/** llama-server as it comes, with as many slots as every arm has. */
export const startingFlags = (slots: number): LlamaFlags => ({
  ...{ parallel: slots, unified: false, batch: 2048, swaFull: false },
  ...{ backendSampling: false, spin: false, more: [] },
})

/** Every arm's slots hold `context` tokens: with fewer slots the pool is smaller. */
export function llamaArgs(flags: LlamaFlags, context: number, slots: number): string[] {
  const { parallel, unified, batch, cacheRam, flashAttention, swaFull, backendSampling } = flags
  const cells = context * (unified ? slots : parallel)
  return [
    ...['-c', `${cells}`, '-np', `${parallel}`, '-b', `${batch}`],
    ...(unified ? ['-kvu'] : []),
    ...(cacheRam === undefined ? [] : ['--cache-ram', `${cacheRam}`]),
    ...(flashAttention === undefined ? [] : ['-fa', flashAttention]),
    ...(swaFull ? ['--swa-full'] : []),
    ...(backendSampling ? ['--backend-sampling'] : []),
    ...flags.more,
  ]
}

/** Each dimension of the search with the values to try in its turn. */
export const DIMENSIONS: readonly Partial<LlamaFlags>[][] = [
  [{ unified: true }, { unified: false }],
  [{ batch: 64 }, { batch: 256 }, { batch: 2048 }],
  [{ spin: true }, { spin: false }],
  [{ parallel: 4 }, { parallel: 8 }, { parallel: 16 }],
  [{ cacheRam: 0 }, { cacheRam: undefined }],
  [{ flashAttention: 'on' }, { flashAttention: 'off' }, { flashAttention: undefined }],
  [{ swaFull: true }, { swaFull: false }],
  [{ backendSampling: true }, { backendSampling: false }],
]
