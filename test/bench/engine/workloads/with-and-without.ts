import type { Ask } from '../client.ts'
import { closedLoop, summarise } from '../load.ts'
import { inTurn } from './in-turn.ts'
import { type Cases, type Session, type Workload, figure, withArm } from './workload.ts'

const STREAMS = 8
const TOKENS = 128

/** In turn on the same server, so that what changes on the machine meanwhile meets both alike. */
const order = (name: string) => ['free', name, name, 'free']

/** Free text, and text of which `more` is asked besides: case `free` and case `name`. */
export function withAndWithout(
  what: string,
  name: string,
  more: Pick<Ask, 'schema' | 'logprobs'>,
): Workload {
  const run = (session: Session): Promise<Cases> =>
    withArm(session, (arm) =>
      inTurn(order(name), (way, turn) =>
        session.measure(arm, async () => {
          const { prompts, seed, quick } = session
          const answers = await closedLoop(arm, STREAMS, quick ? 1 : 2, (stream, request) => ({
            prompt: prompts.prompt(`${name} ${seed} ${turn} ${stream} ${request}`, 64),
            maxTokens: TOKENS,
            ...(way === name ? more : {}),
          }))
          return summarise(answers)
        }),
      ),
    )
  return {
    ...{ title: `${what} and free text, ${STREAMS} streams, 64 in, ${TOKENS} out`, run },
    ...{ context: 512, searches: [] },
    score: (cases) => figure(cases, name, 'tokensPerSecond'),
  }
}
