import type { Campaign, Settings } from './campaign.ts'
import { badInputs } from './bad-inputs.ts'
import { disconnects } from './disconnects.ts'
import { exactness } from './exactness.ts'
import { fleet } from './fleet.ts'
import { gguf } from './gguf.ts'
import { isolation } from './isolation.ts'
import { kill } from './kill.ts'
import { planner } from './planner.ts'
import { preview } from './preview.ts'
import { quality } from './quality.ts'
import { rolling } from './rolling.ts'
import { fromZero } from './from-zero.ts'
import { schemathesis } from './schemathesis.ts'
import { slowReaders } from './slow-readers.ts'
import { soak } from './soak.ts'
import { stacks } from './stacks.ts'

export const CAMPAIGNS: Record<string, Campaign> = {
  'bad-inputs': {
    title: 'Wrong requests of every kind get a typed 4xx, and nothing ends or waits for long',
    ...{ unit: 'wrong requests', size: 1_000_000, run: badInputs },
  },
  'slow-readers': {
    title: 'Clients that never read are cut in time, and cost less than 1 MiB each',
    ...{ unit: 'clients', size: 200, run: slowReaders },
  },
  schemathesis: {
    title: 'Requests made from the OpenAPI document get no 5xx, and answers as the document says',
    ...{ unit: 'examples an operation', size: 1000, model: 'smollm2', run: schemathesis },
  },
  exactness: {
    title: 'Greedy answers equal those of llama-server, and many at once those of each alone',
    ...{ unit: 'prompts', size: 500, model: 'gemma' },
    run: (settings: Settings) => exactness(settings),
  },
  quality: {
    title: 'Our kernels are as near to the exact probabilities as those of llama.cpp',
    ...{ unit: 'chunks of text', size: 40, model: 'gemma', run: quality },
  },
  isolation: {
    title: 'Keys and values of one tenant, adapter or model never serve another',
    ...{ unit: 'pairs', size: 10_000, model: 'smollm2', run: isolation },
  },
  disconnects: {
    title: 'Clients that leave at any moment free their slot at once',
    ...{ unit: 'disconnects', size: 1000, model: 'smollm2', run: disconnects },
  },
  soak: {
    title: 'Memory of the server and of its engine over many requests',
    ...{ unit: 'requests', size: 10_000, model: 'smollm2', run: soak },
  },
  kill: {
    title: 'kill -9 of the engine under load: no hang, no wrong token, service again',
    ...{ unit: 'kills', size: 50, model: 'smollm2', run: kill },
  },
  gguf: {
    title: 'Damaged files of weights are refused with their reason before native code sees them',
    ...{ unit: 'mutants', size: 10_000_000, run: gguf },
  },
  fleet: {
    title:
      'A thousand nodes come for five thousand pods, inside alone, and none is left when they are gone',
    ...{ unit: 'nodes', size: 1000, run: fleet },
  },
  preview: {
    title:
      'A person sees what a stack of three pools and four models would change within six seconds',
    ...{ unit: 'previews', size: 20, run: preview },
  },
  stacks: {
    title: 'Whatever stack file with pools is accepted places nothing outside its jurisdiction',
    ...{ unit: 'stack files', size: 10_000, run: stacks },
  },
  planner: {
    title: 'The memory that is planned for a model is what it takes',
    ...{ unit: 'layouts', size: 120, model: 'gemma', run: planner },
  },
  'scale-from-zero': {
    title: 'Requests for a model without pods wake it, are held, and none is lost',
    ...{ unit: 'times from zero', size: 50, model: 'smollm2', run: fromZero },
  },
  rolling: {
    title: 'Rolling updates under load in the embedded cluster drop no stream',
    ...{ unit: 'updates', size: 50, model: 'smollm2', run: rolling },
  },
}
