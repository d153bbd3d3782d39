import type { Behind, RunningArm } from '../arms.ts'
import type { Target } from '../client.ts'
import type { Prompts } from '../prompts.ts'
import { closedLoop, summarise, ttftOf } from '../load.ts'
import { inTurn } from './in-turn.ts'
import { type Cases, type Session, type Workload, figure, withArm } from './workload.ts'

const STREAMS = [1, 16]
/** A stream's, before anything is measured: only after thousands has V8 compiled what a gateway in service runs. */
const BEFORE = 400
/** One after the other on the same servers: what changes on the machine meanwhile meets both alike. */
const ORDER = ['direct', 'through', 'through', 'direct', 'direct', 'through'] as const

/** What the gateway takes: the same model server, asked through it and without it. */
export const HOP: Workload = {
  title: 'through the gateway and past it, on the same model server, 64 in, 64 out',
  context: 512,
  arms: ['gateway'],
  run: (session) =>
    withArm(session, async (arm) => {
      const cases: Cases = {}
      await warmUpHop(session, arm)
      for (const streams of STREAMS) {
        const ways = await inTurn(ORDER, (way, turn) =>
          session.measure(arm, () => askHop(session, arm, streams, turn, way)),
        )
        for (const [way, figures] of Object.entries(ways)) cases[`${streams} ${way}`] = figures
      }
      return cases
    }),
  score: (cases) => figure(cases, '16 through', 'tokensPerSecond'),
}

export async function askHop(
  { prompts, seed, quick }: Session,
  arm: RunningArm,
  streams: number,
  turn: number,
  way: 'direct' | 'through',
): Promise<Cases[string]> {
  const behind = behindOf(arm)
  const target = way === 'through' ? arm : behind.target
  const before = await firstTokens(behind.metricsUrl)
  const requests = (quick ? 1 : 2) * (streams === 1 ? 4 : 1)
  const answers = await closedLoop(target, streams, requests, (stream, request) => ({
    prompt: hopPrompt(prompts, `${seed} ${streams} ${stream} ${request}`, turn),
    maxTokens: 64,
  }))
  const after = await firstTokens(behind.metricsUrl)
  const inside = ((after.seconds - before.seconds) / (after.count - before.count)) * 1000
  const all = answers.reduce((sum, answer) => sum + ttftOf(answer), 0) / answers.length
  return { ...summarise(answers), hopMs: all - inside }
}

const HEAD = 8

/**
 * 64 tokens. Its head is of this turn alone, so nothing of it is cached; the rest is the same in every
 * turn, so that the first answers' tokens are much the same both ways: one that makes no whole
 * character has no event, and would count as milliseconds of the way that it came.
 */
export function hopPrompt(prompts: Prompts, which: string, turn: number): number[] {
  const head = prompts.prompt(`hop ${which} ${turn}`, HEAD)
  return [...head, ...prompts.stretch(`hop ${which}`, 64 - HEAD)]
}

function behindOf({ behind }: RunningArm): Behind {
  if (behind === undefined) throw new Error('an arm with nothing behind it has no hop')
  return behind
}

export async function warmUpHop({ prompts, quick }: Session, target: Target): Promise<void> {
  await closedLoop(target, 16, quick ? 1 : BEFORE, (stream, request) => ({
    prompt: prompts.prompt(`hop before ${stream} ${request}`, 4),
    maxTokens: 1,
  }))
}

const NAME = 'serantau_time_to_first_token_seconds'

/** What the model server itself says of its first tokens. */
async function firstTokens(url: string): Promise<{ seconds: number; count: number }> {
  const text = await (await fetch(url)).text()
  const read = (suffix: string) =>
    Number(new RegExp(`^${NAME}_${suffix} (\\S+)$`, 'm').exec(text)?.[1])
  return { seconds: read('sum'), count: read('count') }
}
