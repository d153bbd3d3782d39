import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningArm } from '../arms.ts'
import { type Answer, Connection } from '../client.ts'
import { type Figures, ttftOf } from '../load.ts'
import { quantile, randomNumbers } from '../statistics.ts'
import { type Session, type Workload, figure, withArm } from './workload.ts'

/** A first text later than this is worth nothing to its reader. */
export const TTFT_LIMIT_MS = 2000
const OVERLOAD = 1.5

export const OVERLOADED: Workload = {
  title: `requests at 1.5 times what the faster server serves, first text within ${TTFT_LIMIT_MS / 1000} s`,
  context: 512,
  serving: () => ({ firstTokenMs: TTFT_LIMIT_MS }),
  run: (session) =>
    withArm(session, async (arm) => ({
      all: await session.measure(arm, () => overload(session, arm)),
    })),
  score: (cases) => figure(cases, 'all', 'inTime'),
  searches: ['parallel', 'batch'],
}

/** Open loop: people ask whether or not others still wait. */
async function overload(session: Session, arm: RunningArm): Promise<Figures> {
  const { prompts, seed, quick, capacity } = session
  const offeredPerSecond = capacity * OVERLOAD
  const forMs = quick ? 15_000 : 45_000
  const random = randomNumbers(seed)
  const asked: Promise<Answer>[] = []
  const connections: Connection[] = []
  const from = performance.now()
  for (let at = 0; ;) {
    at += (-Math.log(1 - random()) * 1000) / offeredPerSecond
    if (at >= forMs) break
    await sleep(Math.max(from + at - performance.now(), 0))
    const connection = new Connection(arm)
    connections.push(connection)
    const prompt = prompts.prompt(`W10 ${seed} ${asked.length}`, 64)
    asked.push(connection.complete({ prompt, maxTokens: 64 }))
  }
  await sleep(TTFT_LIMIT_MS)
  // Whoever has no text by now is late anyway.
  for (const connection of connections) connection.close()
  return { ...figuresOf(await Promise.all(asked), forMs), capacity, offeredPerSecond }
}

function figuresOf(answers: Answer[], forMs: number): Figures {
  const first = answers.map(ttftOf).filter(Number.isFinite)
  const inTime = first.filter((ms) => ms <= TTFT_LIMIT_MS).length
  return {
    inTime,
    inTimePerSecond: (inTime / forMs) * 1000,
    asked: answers.length,
    refused: answers.filter(({ status }) => status === 429).length,
    ttftP50: quantile(first, 0.5),
    ttftP99: quantile(first, 0.99),
    resets: answers.reduce((sum, { resets }) => sum + resets, 0),
    errors: answers.filter(({ status }) => ![0, 200, 429].includes(status)).length,
  }
}
