import type { GenerateRequest } from './engine.ts'

/** llama.cpp reads this seed as "random". */
const RANDOM_SEED = 0xffff_ffff

/** What node-llama-cpp's `evaluate` wants; any whole number becomes one of its 32-bit seeds. */
export function samplingOptions({
  temperature,
  topP,
  seed,
}: Pick<GenerateRequest, 'temperature' | 'topP' | 'seed'>) {
  const fixed =
    seed === undefined ? {} : { seed: Number(BigInt.asUintN(32, BigInt(seed))) % RANDOM_SEED }
  return { temperature, topP, ...fixed }
}
