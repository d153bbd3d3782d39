import { closedLoop, decodeRate, summarise } from '../load.ts'
import type { Prompts } from '../prompts.ts'
import { geometricMean } from '../statistics.ts'
import { type Cases, type Session, type Workload, figure, withArm } from './workload.ts'

export const STREAMS = [1, 2, 3, 4, 5, 6, 7, 8, 12, 16]
const QUICK_STREAMS = [1, 4, 8, 16]
/** Tokens of an answer that copies its prompt. */
export const COPIED = 128

interface Shape {
  prompt: number
  answer: number
  streams: number[]
  /** Requests of each stream. */
  turns: number
}

/** Streams with different prompts, one case a number of streams. */
async function streams(session: Session, name: string, shape: Shape): Promise<Cases> {
  const { prompts, seed, quick } = session
  return withArm(session, async (arm) => {
    const cases: Cases = {}
    for (const count of countsOf(shape, session)) {
      // One stream alone gives few samples.
      const turns = quick ? 1 : count === 1 ? shape.turns * 2 : shape.turns
      cases[count] = await session.measure(arm, async () => {
        const answers = await closedLoop(arm, count, turns, (stream, turn) => ({
          prompt: prompts.prompt(`${name} ${seed} ${count} ${stream} ${turn}`, shape.prompt),
          maxTokens: shape.answer,
        }))
        const figures = summarise(answers)
        return turns === 1 ? { ...figures, decodePerSecond: decodeRate(answers) } : figures
      })
    }
    return cases
  })
}

/** All of them where none is among those that are asked for: a workload of one stream has no other. */
function countsOf({ streams: all }: Shape, { quick, streams: asked }: Session): number[] {
  const wanted = asked ?? (quick ? QUICK_STREAMS : all)
  const some = all.filter((count) => wanted.includes(count))
  return some.length === 0 ? all : some
}

/** Where it may matter: few streams give the same with any flags. */
const manyStreams = (cases: Cases): number =>
  geometricMean(
    Object.keys(cases)
      .filter((name) => Number(name) >= 4)
      .map((name) => figure(cases, name, 'tokensPerSecond')),
  )

const workload = (name: string, title: string, context: number, shape: Shape): Workload => ({
  ...{ title, context, score: manyStreams },
  run: (session) => streams(session, name, shape),
})

const SOME = [1, 4, 8, 16]
/** Ways of llama-server to guess. */
const GUESSES = [
  ['--spec-type', 'ngram-mod'],
  ['--spec-type', 'ngram-simple'],
]

export const THROUGHPUT: Record<string, Workload> = {
  /** All start at once and once only, so that the phase in which all decode can be told apart. */
  W0: {
    ...workload('W0', 'decode phase, 64 in, 64 out', 512, {
      ...{ prompt: 64, answer: 64, streams: STREAMS, turns: 1 },
    }),
    arms: ['engine', 'batched-bench', 'batched-bench-ours', 'ours', 'llama-server-best'],
    searches: [],
  },
  W1: workload('W1', 'chat, 64 in, 64 out', 512, {
    ...{ prompt: 64, answer: 64, streams: STREAMS, turns: 3 },
  }),
  /** Ours guesses here too, as greedy answers of a small model repeat themselves: so may the peer. */
  W1a: {
    ...workload('W1a', 'chat, one stream, 64 in, 64 out, flags searched for it alone', 512, {
      ...{ prompt: 64, answer: 64, streams: [1], turns: 3 },
    }),
    score: (cases) => figure(cases, '1', 'tokensPerSecond'),
    searches: ['unified', 'spin'],
    tries: GUESSES,
  },
  W2: {
    ...workload('W2', 'long answers, 32 in, 256 out', 512, {
      ...{ prompt: 32, answer: 256, streams: SOME, turns: 1 },
    }),
    searches: ['unified'],
  },
  W3: {
    ...workload('W3', 'long prompts, 1,024 in, 16 out', 2048, {
      ...{ prompt: 1024, answer: 16, streams: SOME, turns: 1 },
    }),
    searches: ['unified', 'batch', 'swaFull'],
  },
  W9: {
    ...{ title: `copying, one stream, ${COPIED} out`, context: 1024, run: copying },
    arms: ['engine', 'ours', 'prebuilt', 'plain', 'llama-server', 'llama-server-best'],
    score: (cases) => figure(cases, '1', 'tokensPerSecond'),
    searches: ['batch'],
    tries: GUESSES,
  },
}

/** A passage, again, and its beginning: the likeliest answer is the rest of the passage. */
export function copyOf(prompts: Prompts, seed: number, turn: number): number[] {
  const passage = prompts.prompt(`W9 ${seed} ${turn}`, 192)
  return [...passage, ...passage, ...passage.slice(0, 48)]
}

async function copying(session: Session): Promise<Cases> {
  const { prompts, seed, quick } = session
  return withArm(session, async (arm) => ({
    1: await session.measure(arm, async () =>
      summarise(
        await closedLoop(arm, 1, quick ? 2 : 6, (_, turn) => ({
          prompt: copyOf(prompts, seed, turn),
          maxTokens: COPIED,
        })),
      ),
    ),
  }))
}
