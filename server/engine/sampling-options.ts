import { randomInt } from 'node:crypto'
import type { GenerateRequest } from './engine.ts'
import type { SamplerConfig } from './native.ts'

/** llama.cpp reads this seed as "random". */
const RANDOM_SEED = 0xffff_ffff
/** llama.cpp's default. Beyond it a vocabulary of 262,144 costs each token a pass over all of it. */
const TOP_K = 40

/** What a sampler is set to; any whole number becomes one of its 32-bit seeds. */
export function samplingOptions({
  temperature,
  topP,
  seed,
}: Pick<GenerateRequest, 'temperature' | 'topP' | 'seed'>): SamplerConfig {
  const fixed =
    seed === undefined
      ? randomInt(RANDOM_SEED)
      : Number(BigInt.asUintN(32, BigInt(seed))) % RANDOM_SEED
  return { temperature, topP, topK: TOP_K, seed: fixed }
}
