import type { BaseModel } from '../base-model.ts'
import { gemma3270m } from './gemma-3-270m.ts'
import { smollm2135mInstruct } from './smollm2-135m-instruct.ts'

/** Every base model that can be served, by id. Add a base: one file here, one line below. */
export const BASE_MODELS: Readonly<Record<string, BaseModel>> = Object.fromEntries(
  [smollm2135mInstruct, gemma3270m].map((model) => [model.id, model]),
)

export const DEFAULT_MODEL_ID = smollm2135mInstruct.id
