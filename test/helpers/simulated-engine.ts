import { Calibration } from '../../server/engine/calibration.ts'
import type { CostTable } from '../../server/engine/cost-table.ts'
import type { GenerateRequest, Piece } from '../../server/engine/engine.ts'
import type { Answer } from '../../server/engine/protocol.ts'
import { StepEngine } from '../../server/engine/step-engine.ts'
import type { Round } from '../../server/engine/outbox.ts'
import type { StepEngineOptions } from '../../server/engine/step-engine.ts'
import { END, nextToken, vocabulary } from './simulated-slots.ts'
import type { SimulatedSlots } from './simulated-slots.ts'

export interface Arrival {
  id: number
  atMs: number
  request: GenerateRequest
  /** The client leaves then; undefined: it stays. */
  cancelAtMs?: number | undefined
}

/** What was reported of one request. */
export interface Told {
  pieces: Piece[]
  last: Extract<Answer, { kind: 'end' | 'error' }> | undefined
}

export interface Life {
  told: Map<number, Told>
  rounds: Round[]
}

export const request = (fields: Partial<GenerateRequest> = {}): GenerateRequest => ({
  ...{ prompt: [1, 2, 3], maxTokens: 8, temperature: 0, topP: 1, seed: 1, stop: [] },
  ...{ ignoreEos: false, tenant: 'a', adapter: 'none', priority: 'normal' as const },
  ...fields,
})

export type SimulationOptions = Partial<
  Omit<StepEngineOptions, 'context' | 'vocabulary' | 'report' | 'calibration' | 'now'>
> & { table?: CostTable }

/** A loop turns at most so often without a step in between. */
const MOST_LOOKS = 10_000

export function simulated(
  context: SimulatedSlots,
  { table, ...options }: SimulationOptions,
  report: (round: Round) => void,
): StepEngine {
  let looks = 0
  let steps = 0
  const now = () => {
    looks = context.steps.length === steps ? looks + 1 : 0
    steps = context.steps.length
    if (looks > MOST_LOOKS) throw new Error('broken rule: the loop spins')
    return context.nowMs
  }
  const shaping = options.shaping ?? true
  return new StepEngine({
    ...{ context, vocabulary, digest: 'd', maxQueued: 1000, firstTokenMs: Infinity },
    ...{
      interTokenMs: 100,
      prefixCache: true,
      canTruncate: true,
      saved: undefined,
      drafts: undefined,
    },
    ...options,
    ...{ report, now, shaping },
    calibration: new Calibration({
      ...{ context, token: vocabulary.start, on: shaping, now },
      lengthOf: (slot) => context.lengthOf(slot),
      ...(table === undefined ? {} : { known: table }),
    }),
  })
}

/** Lets all arrivals live to their end, on the clock of the simulation. */
export async function live(
  context: SimulatedSlots,
  options: SimulationOptions,
  arrivals: readonly Arrival[],
): Promise<Life> {
  const told = new Map<number, Told>(
    arrivals.map(({ id }) => [id, { pieces: [], last: undefined }]),
  )
  const rounds: Round[] = []
  const engine = simulated(context, options, (round) => {
    rounds.push(round)
    for (const answer of round.answers) tell(told, answer)
  })
  const events = arrivals
    .flatMap(({ id, atMs, cancelAtMs, request: asked }) => [
      { atMs, run: () => engine.submit(id, asked) },
      ...(cancelAtMs === undefined ? [] : [{ atMs: cancelAtMs, run: () => engine.cancel(id) }]),
    ])
    .sort((a, b) => a.atMs - b.atMs)
  const deliver = (untilMs: number) => {
    while ((events[0]?.atMs ?? Infinity) <= untilMs) {
      const event = events.shift()
      context.nowMs = Math.max(context.nowMs, event?.atMs ?? 0)
      event?.run()
    }
  }
  context.during = deliver
  const failures: Error[] = []
  engine.run().catch((error: unknown) => failures.push(error as Error))
  do {
    // All that the loop can do now it does before this: the simulation waits for nothing else.
    await new Promise((resolve) => setImmediate(resolve))
    for (const failure of failures) throw failure
    deliver(events[0]?.atMs ?? 0)
    await new Promise((resolve) => setImmediate(resolve))
    for (const failure of failures) throw failure
  } while (events.length > 0)
  return { told, rounds }
}

function tell(told: Map<number, Told>, answer: Answer): void {
  const one = told.get(answer.id)
  if (one === undefined) throw new Error('an answer that nobody asked for')
  if (one.last !== undefined) throw new Error('an answer after the last one')
  if (answer.kind === 'piece') one.pieces.push(answer.piece)
  else if (answer.kind === 'end' || answer.kind === 'error') one.last = answer
}

export interface Solo {
  tokens: number[]
  text: string
  finish: 'stop' | 'length'
}

/** The answer that a request has a right to, whoever is served beside it. */
export function solo({ prompt, maxTokens, stop, ignoreEos, ...sampling }: GenerateRequest): Solo {
  const config = { ...sampling, topK: 40, seed: sampling.seed ?? 0 }
  const tokens: number[] = []
  let text = ''
  while (tokens.length < maxTokens) {
    const token = nextToken([...prompt, ...tokens], config, tokens.length)
    if (token === END && !ignoreEos) return { tokens, text, finish: 'stop' }
    tokens.push(token)
    text += vocabulary.detokenize([token], [])
    const met = stop.filter((end) => text.endsWith(end)).map((end) => end.length)
    if (met.length > 0) {
      return { tokens, text: text.slice(0, text.length - Math.max(...met)), finish: 'stop' }
    }
  }
  return { tokens, text, finish: 'length' }
}

export const textOf = ({ pieces }: Told) => pieces.map(({ text }) => text).join('')
