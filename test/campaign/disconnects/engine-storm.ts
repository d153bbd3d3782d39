import { setTimeout as sleep } from 'node:timers/promises'
import { type EarlyEngine, startEarly } from '../../../server/engine/early-engine.ts'
import { forkEngine } from '../../../server/engine/fork-engine.ts'
import type { Answer, EngineOptions, FromEngine } from '../../../server/engine/protocol.ts'
import { requestOf } from '../open-engine.ts'
import { type Leave, type Moment, type Visit, beingRead } from './leaves.ts'

interface Call {
  moment: Moment
  read: PromiseWithResolvers<void>
  answered: PromiseWithResolvers<void>
  ended: PromiseWithResolvers<Answer>
}

/** Speaks to the engine process itself: its answers tell when a slot is free again. */
export class EngineStorm {
  readonly leaves: Leave[] = []
  /** Of calls that did not end as they must. */
  readonly faults: string[] = []
  load = { running: 0, waiting: 0, kvTokens: 0 }
  /** In the order in which they were sent. */
  readonly #calls = new Map<number, Call>()
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

  /** Asks, leaves and waits for the end of the call. */
  async visit({ prompt, from, stayMs }: Visit): Promise<void> {
    const id = this.#nextId++
    const [read, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const call: Call = { moment: 'waiting', read, answered, ended: Promise.withResolvers() }
    this.#calls.set(id, call)
    const request = requestOf(prompt, { maxTokens: 100_000, ignoreEos: true })
    this.#engine.send({ kind: 'generate', id, request })
    const seen = { waiting: Promise.resolve(), prefill: read.promise, decoding: answered.promise }
    await Promise.race([seen[from].then(() => sleep(stayMs)), call.ended.promise])
    const [leftAt, { moment }] = [performance.now(), call]
    this.#engine.send({ kind: 'cancel', id })
    const answer = await call.ended.promise
    if (answer.kind !== 'end') this.faults.push(`a call ended with ${answer.kind}`)
    const endedAt = performance.now()
    const stepEnd = this.#steps.find((at) => at >= leftAt) ?? leftAt
    this.leaves.push({ moment, lateMs: endedAt - stepEnd })
  }

  async close(): Promise<void> {
    await this.#engine.stop(3000)
  }

  #receive(message: FromEngine): void {
    if (message.kind === 'ready') this.#ready.resolve()
    if (message.kind !== 'round') return
    if (message.stepped) this.#steps = [...this.#steps.slice(-200), performance.now()]
    this.load = message
    for (const answer of message.answers) this.#take(answer)
    const calls = [...this.#calls.values()]
    const answered = calls.filter(({ moment }) => moment === 'decoding').length
    const silent = calls.filter(({ moment }) => moment !== 'decoding')
    for (const call of beingRead(silent, { running: message.running, answered })) {
      call.moment = 'prefill'
      call.read.resolve()
    }
  }

  #take(answer: Answer): void {
    const call = this.#calls.get(answer.id)
    if (call === undefined) return
    if (answer.kind === 'piece') {
      // Read and answered within one step.
      call.read.resolve()
      call.moment = 'decoding'
      call.answered.resolve()
    } else {
      this.#calls.delete(answer.id)
      call.ended.resolve(answer)
    }
  }
}
