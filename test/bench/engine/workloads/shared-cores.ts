import type { RunningArm } from '../arms.ts'
import { closedLoop, summarise } from '../load.ts'
import { type Cases, type Session, type Workload, figure, withArm } from './workload.ts'

const STREAMS = 8
const ANSWER = 32

/** What every rolling update on a small node is: the old server and the new one on the same cores. */
export const SHARED: Workload = {
  title: 'two servers on the same cores, 8 streams each, 64 in, 32 out',
  context: 512,
  run: (session) =>
    withArm(session, async (first) => {
      const second = await session.start()
      try {
        const both = { ...first, pids: () => pidsOf([first, second]) }
        const cases: Cases = {
          one: await session.measure(first, () => ask(session, [first], 'one')),
          // The first seconds together are the worst, and count.
          two: await session.measure(both, () => ask(session, [first, second], 'two')),
        }
        return cases
      } finally {
        await second.stop()
      }
    }),
  score: (cases) => figure(cases, 'two', 'tokensPerSecond'),
  searches: ['parallel', 'spin'],
}

const pidsOf = async (arms: readonly RunningArm[]): Promise<number[]> =>
  (await Promise.all(arms.map((arm) => arm.pids()))).flat()

async function ask({ prompts, seed, quick }: Session, arms: readonly RunningArm[], name: string) {
  const answers = await Promise.all(
    arms.map((arm, at) =>
      closedLoop(arm, STREAMS, quick ? 1 : 4, (stream, request) => ({
        prompt: prompts.prompt(`shared ${seed} ${name} ${at} ${stream} ${request}`, 64),
        maxTokens: ANSWER,
      })),
    ),
  )
  return summarise(answers.flat())
}
