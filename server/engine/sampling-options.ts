import { randomInt } from 'node:crypto'
import type { GenerateRequest } from './engine.ts'
import type { NativeGrammarState, SamplerConfig } from './native.ts'

/** llama.cpp reads this seed as "random". */
const RANDOM_SEED = 0xffff_ffff
/** llama.cpp's default. Beyond it a vocabulary of 262,144 costs each token a pass over all of it. */
const TOP_K = 40

type Wanted = Pick<
  GenerateRequest,
  | 'temperature'
  | 'topP'
  | 'topK'
  | 'minP'
  | 'seed'
  | 'maxTokens'
  | 'presencePenalty'
  | 'frequencyPenalty'
  | 'logitBias'
>

/** What a sampler is set to; any whole number becomes one of its 32-bit seeds. */
export function samplingOptions(wanted: Wanted, grammar?: NativeGrammarState): SamplerConfig {
  const { temperature, topP, topK = TOP_K, minP = 0, seed, logitBias = [] } = wanted
  const fixed =
    seed === undefined
      ? randomInt(RANDOM_SEED)
      : Number(BigInt.asUintN(32, BigInt(seed))) % RANDOM_SEED
  return {
    ...{ temperature, topP, seed: fixed },
    ...(topK === 0 ? {} : { topK }),
    ...(minP === 0 ? {} : { minP }),
    ...penaltiesOf(wanted),
    ...(logitBias.length === 0
      ? {}
      : {
          tokenBiasKeys: Uint32Array.from(logitBias, ([token]) => token),
          tokenBiasValues: Float32Array.from(logitBias, ([, bias]) => bias),
        }),
    ...(grammar === undefined ? {} : { grammarEvaluationState: grammar }),
  }
}

/** As OpenAI has them, they count what the answer says, not what the prompt does. */
function penaltiesOf({ presencePenalty = 0, frequencyPenalty = 0, maxTokens }: Wanted) {
  if (presencePenalty === 0 && frequencyPenalty === 0) return {}
  return {
    repeatPenaltyTokens: new Uint32Array(0),
    repeatPenalty: 1,
    repeatPenaltyMaxTokens: maxTokens,
    repeatPenaltyPresencePenalty: presencePenalty,
    repeatPenaltyFrequencyPenalty: frequencyPenalty,
  }
}
