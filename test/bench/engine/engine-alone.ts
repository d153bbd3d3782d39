import type { EngineClient } from '../../../server/engine/engine-client.ts'
import { openEngine, requestOf } from '../../campaign/open-engine.ts'
import { type EngineTask, pidsOf } from './engine-task.ts'
import { decodeRate, type Events, type Figures } from './load.ts'
import { recorded } from './recorded.ts'
import { wireCost } from './wire-cost.ts'
import { COPIED, STREAMS, copyOf } from './workloads/throughput.ts'
import type { Cases } from './workloads/workload.ts'

const PROMPT = 64
const ANSWER = 64
const MOST = Math.max(...STREAMS)
/** Answers of each stream that are not measured: V8 compiles what runs often, and a server runs for days. */
const WARM_ROUNDS = 4
/** Copies that are measured of each run. */
const TURNS = 6

type Measure = (task: EngineTask) => Promise<Cases>

/** What our engine process reaches without HTTP in front of it, by workload. */
export const ENGINE_ALONE: Record<string, Measure> = {
  ...{ W0: decodePhase, W9: copying, wire: wireCost },
}

async function decodePhase({ model, prompts, seed, threads }: EngineTask): Promise<Cases> {
  // Without guesses: small models repeat themselves, and a step that decodes several tokens is none of one row.
  const engine = await openEngine(model, { contextSize: 512, slots: MOST, threads, drafts: false })
  const decode = (rows: number, name: string) =>
    Promise.all(
      Array.from({ length: rows }, (_, stream) =>
        timed(engine.client, prompts.prompt(`W0 ${name} ${stream}`, PROMPT), ANSWER),
      ),
    )
  try {
    for (let round = 0; round < WARM_ROUNDS; round++) await decode(MOST, `first ${round}`)
    const cases: Cases = {}
    for (const rows of STREAMS) {
      cases[rows] = await recorded(pidsOf(engine), async () => ({
        decodePerSecond: decodeRate(await decode(rows, `${seed} ${rows}`)),
      }))
    }
    return cases
  } finally {
    await engine.close()
  }
}

/** The same copies with guesses and without: what guesses alone are worth. */
async function copying(task: EngineTask): Promise<Cases> {
  const guessed = await copyingRate(task, true)
  const unguessed = await copyingRate(task, false)
  const both = (name: string) =>
    [guessed[name] ?? Number.NaN, unguessed[name] ?? Number.NaN] as const
  const sumOf = (name: string) => both(name)[0] + both(name)[1]
  const [guessedPerSecond, unguessedPerSecond] = both('tokensPerSecond')
  return {
    1: {
      ...{ guessedPerSecond, unguessedPerSecond, peakMiB: Math.max(...both('peakMiB')) },
      ...{ cpuSeconds: sumOf('cpuSeconds'), clientCpuSeconds: sumOf('clientCpuSeconds') },
      ...{ otherCpuSeconds: sumOf('otherCpuSeconds'), load: Math.max(...both('load')) },
    },
  }
}

async function copyingRate(
  { model, prompts, seed, threads }: EngineTask,
  drafts: boolean,
): Promise<Figures> {
  const sizes = { contextSize: 1024, slots: MOST, threads, prefixCache: false }
  const engine = await openEngine(model, { ...sizes, drafts })
  const copy = (turn: number) => timed(engine.client, copyOf(prompts, seed, turn), COPIED)
  try {
    await copy(0)
    return await recorded(pidsOf(engine), async () => {
      const began = performance.now()
      let tokens = 0
      for (let turn = 1; turn <= TURNS; turn++) tokens += (await copy(turn)).completionTokens
      return { tokensPerSecond: (tokens / (performance.now() - began)) * 1000 }
    })
  } finally {
    await engine.close()
  }
}

async function timed(
  client: EngineClient,
  prompt: readonly number[],
  maxTokens: number,
): Promise<Events> {
  const eventsAt: number[] = []
  let completionTokens = 0
  const request = requestOf(prompt, { maxTokens, ignoreEos: true })
  for await (const { text, tokens } of client.generate(request, new AbortController().signal)) {
    if (text !== '') eventsAt.push(performance.now())
    completionTokens += tokens
  }
  return { eventsAt, completionTokens }
}
