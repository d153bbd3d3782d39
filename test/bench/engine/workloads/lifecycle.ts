import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningArm } from '../arms.ts'
import { Connection } from '../client.ts'
import { closedLoop, summarise, ttftOf } from '../load.ts'
import { memoryMiB } from '../processes.ts'
import { randomNumbers, slope } from '../statistics.ts'
import { type Cases, type Session, type Workload, figure, withArm } from './workload.ts'

/** Whoever keeps something of a prompt for the next start may do so after the answer. */
const KEEPING_MS = 10_000
const STORM = 320
const QUICK_STORM = 48
const LEG_TURNS = 4

export const LIFECYCLE: Record<string, Workload> = {
  W11: {
    title: 'process start, and a restart with a 1,000-token system prompt',
    context: 2048,
    run: restarts,
    serving: ({ system }) => ({ systemPrompts: [system.text] }),
    score: (cases) => 1 / figure(cases, 'start', 'firstTokenMs'),
    searches: [],
    tries: [['--no-warmup'], ['--fit', 'off'], ['--fit', 'off', '--no-warmup']],
  },
  W12: {
    title: 'clients that leave at any moment',
    context: 1024,
    run: storm,
    score: (cases) => 1 / figure(cases, 'storm', 'nextTtft'),
    searches: ['parallel', 'batch'],
  },
  W13: {
    title: 'many requests: memory',
    context: 512,
    run: soak,
    score: (cases) => 1 / figure(cases, 'all', 'peakMiB'),
    searches: ['cacheRam'],
  },
}

async function firstText(arm: RunningArm, prompt: number[]): Promise<number> {
  const connection = new Connection(arm)
  const answer = await connection.complete({ prompt, maxTokens: 4 })
  connection.close()
  return ttftOf(answer)
}

async function restarts({ prompts, seed, measureStart }: Session): Promise<Cases> {
  const began = await measureStart(async (arm, readyMs) => {
    const first = await firstText(arm, prompts.prompt(`W11 ${seed}`, 16))
    return { readyMs, firstTokenMs: readyMs + first }
  })
  const ask = (arm: RunningArm, name: string) =>
    firstText(arm, [...prompts.system.tokens, ...prompts.stretch(`W11 ${seed} ${name}`, 32)])
  await ask(began.arm, 'before')
  await sleep(KEEPING_MS)
  await began.arm.stop()
  const again = await measureStart(async (arm, readyMs) => ({
    ...{ readyMs, ttft: await ask(arm, 'after') },
  }))
  await again.arm.stop()
  return { start: began.figures, restart: again.figures }
}

/** 16 clients at a time; each leaves during prefill, or after some of its tokens. */
async function storm(session: Session): Promise<Cases> {
  const { prompts, seed, quick, slots } = session
  const random = randomNumbers(seed)
  const leavers = Array.from({ length: quick ? QUICK_STORM : STORM }, (_, index) => ({
    prompt: prompts.prompt(`W12 ${seed} ${index}`, 256),
    maxTokens: 512,
    ...(random() < 0.5
      ? { abandonAfterMs: 20 + random() * 1000 }
      : { abandonAfter: 1 + Math.floor(random() * 12) }),
  }))
  return withArm(session, async (arm) => {
    const leave = async () => {
      for (let ask = leavers.pop(); ask !== undefined; ask = leavers.pop()) {
        await new Connection(arm).complete(ask)
      }
    }
    return {
      storm: await session.measure(arm, async () => {
        await Promise.all(Array.from({ length: slots }, leave))
        return { nextTtft: await firstText(arm, prompts.prompt(`W12 ${seed} next`, 64)) }
      }),
      // A slot that was lost would show as a wait.
      after: await session.measure(arm, async () =>
        summarise(
          await closedLoop(arm, slots, 1, (stream) => ({
            prompt: prompts.prompt(`W12 ${seed} after ${stream}`, 64),
            maxTokens: 32,
          })),
        ),
      ),
    }
  })
}

/**
 * Short requests in legs; memory is read between them. The heap of a JavaScript server grows to its size over the
 * first thousands, which is no slope: only the second half counts.
 */
async function soak(session: Session): Promise<Cases> {
  const { prompts, seed, slots, soakRequests } = session
  return withArm(session, async (arm) => ({
    all: await session.measure(arm, async () => {
      const points: [number, number][] = []
      const pids = await arm.pids()
      let errors = 0
      for (let sent = 0; sent < soakRequests; sent += slots * LEG_TURNS) {
        const answers = await closedLoop(arm, slots, LEG_TURNS, (stream, turn) => ({
          prompt: prompts.prompt(`W13 ${seed} ${sent} ${stream} ${turn}`, 32),
          maxTokens: 16,
        }))
        errors += summarise(answers)['errors'] ?? 0
        points.push([sent + slots * LEG_TURNS, await memoryMiB(pids)])
      }
      const settled = points.filter(([sent]) => sent >= soakRequests / 2)
      return { mibPerThousand: slope(settled) * 1000, requests: soakRequests, errors }
    }),
  }))
}
