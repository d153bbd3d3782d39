import { setTimeout as sleep } from 'node:timers/promises'
import { type Answer, Connection } from '../client.ts'
import type { RunningArm } from '../arms.ts'
import { type Figures, gapsOf, ttftOf } from '../load.ts'
import { quantile, randomNumbers } from '../statistics.ts'
import { type Cases, type Session, type Workload, figure, withArm } from './workload.ts'

const DECODERS = 15
const PROMPT = 1024
/** Mean time between long prompts: prefill then takes about a third of the time. */
const EVERY_MS = 5000

export const INTERFERENCE: Workload = {
  title: '15 decoding streams while 1,024-token prompts arrive at random',
  context: 2048,
  run: (session) =>
    withArm(session, async (arm) => ({
      all: await session.measure(arm, () => interfere(session, arm)),
    })),
  // With fewer slots not all of the streams decode: a calm tail of other work.
  admits: ({ parallel }) => parallel > DECODERS,
  searches: ['unified', 'batch'],
  /** The tail, unless it is calm for want of long prompts. */
  score: (cases: Cases, first: Cases) =>
    figure(cases, 'all', 'served') < figure(first, 'all', 'served')
      ? 0
      : 1 / figure(cases, 'all', 'itlP99'),
}

async function interfere(session: Session, arm: RunningArm): Promise<Figures> {
  const forMs = session.quick ? 12_000 : 40_000
  const from = performance.now()
  const until = from + forMs
  const connections: Connection[] = []
  const decoded: Answer[] = []
  const decoders = Array.from({ length: DECODERS }, (_, stream) =>
    decode(session, arm, stream, until, connections, decoded),
  )
  const prompted = await arrive(session, arm, until, connections)
  for (const connection of connections) connection.close()
  await Promise.all(decoders)
  return figuresOf(decoded, await Promise.all(prompted), from, until)
}

/** Asks again and again; the request that runs at the end is cut and counts as far as it came. */
async function decode(
  { prompts, seed }: Session,
  arm: RunningArm,
  stream: number,
  until: number,
  connections: Connection[],
  decoded: Answer[],
): Promise<void> {
  const connection = new Connection(arm)
  connections.push(connection)
  for (let turn = 0; performance.now() < until; turn++) {
    const prompt = prompts.prompt(`W4 ${seed} ${stream} ${turn}`, 64)
    decoded.push(await connection.complete({ prompt, maxTokens: 256 }))
  }
}

async function arrive(
  { prompts, seed, quick }: Session,
  arm: RunningArm,
  until: number,
  connections: Connection[],
): Promise<Promise<Answer>[]> {
  const random = randomNumbers(seed)
  const asked: Promise<Answer>[] = []
  for (;;) {
    const wait = -Math.log(1 - random()) * EVERY_MS * (quick ? 0.6 : 1)
    if (performance.now() + wait >= until) break
    await sleep(wait)
    const connection = new Connection(arm)
    connections.push(connection)
    const prompt = prompts.prompt(`W4 ${seed} prompt ${asked.length}`, PROMPT)
    asked.push(connection.complete({ prompt, maxTokens: 16 }))
  }
  await sleep(Math.max(until - performance.now(), 0))
  return asked
}

function figuresOf(decoded: Answer[], prompted: Answer[], from: number, until: number): Figures {
  const inside = decoded.map((answer) => ({
    ...answer,
    eventsAt: answer.eventsAt.filter((at) => at <= until),
  }))
  const gaps = gapsOf(inside)
  const events = inside.reduce((sum, { eventsAt }) => sum + eventsAt.length, 0)
  return {
    tokensPerSecond: (events / (until - from)) * 1000,
    itlP50: quantile(gaps, 0.5),
    itlP95: quantile(gaps, 0.95),
    itlP99: quantile(gaps, 0.99),
    longestStall: quantile(gaps, 1),
    ttftP50: quantile(prompted.map(ttftOf).filter(Number.isFinite), 0.5),
    asked: prompted.length,
    // Whoever refuses or starves the long prompts has calm streams, but not the same work.
    served: prompted.filter(({ eventsAt }) => (eventsAt[0] ?? Infinity) <= until).length,
    refused: prompted.filter(({ status }) => status === 429).length,
    errors: [...decoded, ...prompted].filter(({ status }) => ![0, 200, 429].includes(status))
      .length,
  }
}
