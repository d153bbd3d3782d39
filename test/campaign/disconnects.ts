import { setTimeout as sleep } from 'node:timers/promises'
import { type EarlyEngine, startEarly } from '../../server/engine/early-engine.ts'
import { forkEngine } from '../../server/engine/fork-engine.ts'
import type { Answer, EngineOptions, FromEngine } from '../../server/engine/protocol.ts'
import { quantile, randomNumbers } from '../bench/engine/statistics.ts'
import { until } from '../helpers/roles.ts'
import { type Outcome, type Settings, firstOf, percent, show } from './campaign.ts'
import { engineOptions, requestOf } from './open-engine.ts'

const SLOTS = 8
/** Twice as many as slots: half of them wait. */
const CLIENTS = 2 * SLOTS
const LONGEST_PROMPT = 400
const LONGEST_STAY_MS = 1200
/** Beyond the step that runs when a client leaves. */
const SLACK_MS = 250
const QUIET_MS = 60_000
const TOKENS = 20_000

type Moment = 'waiting' | 'prefill' | 'decoding'

/** One that left: when, what it was at, and how long its slot was kept beyond the running step. */
interface Leave {
  moment: Moment
  lateMs: number
}

/** Speaks to the engine process itself: its answers tell when a slot is free again. */
class Storm {
  readonly leaves: Leave[] = []
  /** Of calls that did not end as they must. */
  readonly faults: string[] = []
  load = { running: 0, waiting: 0, kvTokens: 0 }
  readonly #calls = new Map<number, (answer: Answer) => void>()
  readonly #ready = Promise.withResolvers<void>()
  readonly #engine: EarlyEngine['child']
  /** When the last steps ended. */
  #steps: number[] = []
  #nextId = 1

  constructor(options: EngineOptions) {
    const early = startEarly(forkEngine(), options)
    this.#engine = early.child
    early.listen({
      message: (message) => this.#receive(message),
      gone: (cause) => {
        this.faults.push(cause)
        this.#ready.reject(new Error(cause))
      },
    })
  }

  get ready(): Promise<void> {
    return this.#ready.promise
  }

  /** Asks, leaves after `stayMs` and waits for the end of the call. */
  async visit(prompt: number[], stayMs: number): Promise<void> {
    const id = this.#nextId++
    const ended = Promise.withResolvers<Answer>()
    let moment: Moment = 'waiting'
    this.#calls.set(id, (answer) => {
      if (answer.kind === 'piece') moment = 'decoding'
      else ended.resolve(answer)
    })
    const request = requestOf(prompt, { maxTokens: 100_000, ignoreEos: true })
    this.#engine.send({ kind: 'generate', id, request })
    await Promise.race([sleep(stayMs), ended.promise])
    if (moment === 'waiting' && this.load.waiting === 0) moment = 'prefill'
    const leftAt = performance.now()
    this.#engine.send({ kind: 'cancel', id })
    const answer = await ended.promise
    this.#calls.delete(id)
    if (answer.kind !== 'end') this.faults.push(`a call ended with ${answer.kind}`)
    const endedAt = performance.now()
    const stepEnd = this.#steps.find((at) => at >= leftAt) ?? endedAt
    this.leaves.push({ moment, lateMs: Math.max(0, endedAt - Math.max(stepEnd, leftAt)) })
  }

  async close(): Promise<void> {
    await this.#engine.stop(3000)
  }

  #receive(message: FromEngine): void {
    if (message.kind === 'ready') this.#ready.resolve()
    if (message.kind !== 'round') return
    if (message.stepped) this.#steps = [...this.#steps.slice(-200), performance.now()]
    this.load = message
    for (const answer of message.answers) this.#calls.get(answer.id)?.(answer)
  }
}

/** Clients that leave while they wait, while their prompt is read and while they are answered. */
export async function disconnects({ model, size, say }: Settings): Promise<Outcome> {
  const storm = new Storm(await engineOptions(model, { slots: SLOTS, contextSize: 1024 }))
  try {
    await storm.ready
    const random = randomNumbers(23)
    let left = 0
    const client = async () => {
      while (left < size) {
        if (++left % 100 === 0) say(`${left} of ${size}`)
        const length = 1 + Math.floor(random() * LONGEST_PROMPT)
        const prompt = Array.from({ length }, () => 1000 + Math.floor(random() * TOKENS))
        await storm.visit(prompt, random() * LONGEST_STAY_MS)
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
    const free = await isFree(storm)
    return outcomeOf(storm, free)
  } finally {
    await storm.close()
  }
}

const isFree = (storm: Storm): Promise<boolean> =>
  until(
    () => storm.load.running + storm.load.waiting + storm.load.kvTokens === 0,
    'free',
    QUIET_MS,
  ).then(
    () => true,
    () => false,
  )

function outcomeOf({ leaves, faults, load }: Storm, free: boolean): Outcome {
  const late = leaves.map(({ lateMs }) => lateMs)
  const figures: [string, string][] = (['waiting', 'prefill', 'decoding'] as const).map(
    (moment) => [
      `left while ${moment}`,
      percent(leaves.filter((each) => each.moment === moment).length, leaves.length),
    ],
  )
  figures.push([
    'slot free after the running step, ms: median / p99 / most',
    [0.5, 0.99, 1].map((share) => show(quantile(late, share))).join(' / '),
  ])
  figures.push(['slots in use at the end', `${load.running}`])
  const failures = [...faults]
  const slow = late.filter((ms) => ms > SLACK_MS).length
  if (slow > 0) failures.push(`${slow} were cancelled later than a step and ${SLACK_MS} ms`)
  if (!free) failures.push(`${load.running} slots and ${load.waiting} places leaked`)
  return { figures, failures: firstOf(failures) }
}
