import { type Workload, figure } from './workload.ts'

export const STREAMS = 16
export const ANSWER = 64
export const CONTEXT = 512

/** What reading requests and writing answers costs; measured by `wire-cost.ts`, which holds the engine itself. */
export const WIRE: Workload = {
  title: `our engine through the API and past it, ${STREAMS} streams, 64 in, ${ANSWER} out`,
  context: CONTEXT,
  arms: ['engine'],
  run: () => Promise.reject(new Error('wire: only the arm `engine` runs it')),
  score: (cases) => figure(cases, 'api', 'tokensPerSecond'),
}
