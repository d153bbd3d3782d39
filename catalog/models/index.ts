import type { BaseModel, KnownFile } from '../base-model.ts'
import { KitError } from '../errors.ts'
import { deepseekR1DistillLlama70b } from './deepseek-r1-distill-llama-70b.ts'
import { deepseekR1DistillQwen32b } from './deepseek-r1-distill-qwen-32b.ts'
import { deepseekR1 } from './deepseek-r1.ts'
import { deepseekV32 } from './deepseek-v3.2.ts'
import { gemma3270m } from './gemma-3-270m.ts'
import { gemma327bIt } from './gemma-3-27b-it.ts'
import { gemmaSeaLionV427bIt } from './gemma-sea-lion-v4-27b-it.ts'
import { glm47Flash } from './glm-4.7-flash.ts'
import { kimiK2Instruct } from './kimi-k2-instruct.ts'
import { llama3370bInstruct } from './llama-3.3-70b-instruct.ts'
import { malaysianQwen257bInstruct } from './malaysian-qwen2.5-7b-instruct.ts'
import { minimaxM2 } from './minimax-m2.ts'
import { qwenSeaLionV432bIt } from './qwen-sea-lion-v4-32b-it.ts'
import { qwen3235bA22b } from './qwen3-235b-a22b.ts'
import { qwen332b } from './qwen3-32b.ts'
import { smollm2135mInstruct } from './smollm2-135m-instruct.ts'

const rows: readonly BaseModel[] = [
  smollm2135mInstruct,
  gemma3270m,
  malaysianQwen257bInstruct,
  gemmaSeaLionV427bIt,
  qwenSeaLionV432bIt,
  gemma327bIt,
  glm47Flash,
  qwen332b,
  qwen3235bA22b,
  llama3370bInstruct,
  deepseekR1DistillQwen32b,
  deepseekR1DistillLlama70b,
  deepseekR1,
  deepseekV32,
  minimaxM2,
  kimiK2Instruct,
]

/** Every base model that can be served, by id. Add a base: one file here, two lines above. */
export const BASE_MODELS: Readonly<Record<string, BaseModel>> = Object.fromEntries(
  rows.map((model) => [model.id, model]),
)

/** The first file of a row. Throws KitError MODEL_UNKNOWN where the catalogue has the facts of the model alone. */
export function knownFile(model: BaseModel): KnownFile {
  const [file] = model.files
  if (file?.sha256 !== undefined) return { ...file, sha256: file.sha256 }
  throw new KitError('MODEL_UNKNOWN', {
    path: model.id,
    expected: 'a model of which the catalogue knows a file by its SHA-256',
    got: 'one of which it has facts alone, for planning',
    fix: 'choose another model, or state bytes and sha256 with the weights in the stack file',
  })
}

export const DEFAULT_MODEL_ID = smollm2135mInstruct.id
