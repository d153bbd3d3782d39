import type { OpenEngine } from '../../campaign/open-engine.ts'
import type { ModelName } from './options.ts'
import { family } from './processes.ts'
import type { Prompts } from './prompts.ts'

/** What a run of our engine without a server is given. */
export interface EngineTask {
  model: ModelName
  prompts: Prompts
  seed: number
  threads: number
}

export const pidsOf =
  ({ client: { pid } }: OpenEngine) =>
  async (): Promise<number[]> =>
    pid === undefined ? [] : family(pid)
