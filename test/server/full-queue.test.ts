import { afterEach, describe, expect, test } from 'vitest'
import type { Part } from '../../server/engine/decode-context.ts'
import { EngineCalls } from '../../server/engine/engine-calls.ts'
import type { EngineChild } from '../../server/engine/engine-child.ts'
import type { GenerateRequest, Piece } from '../../server/engine/engine.ts'
import type { StepEngine } from '../../server/engine/step-engine.ts'
import { FakeEngine } from '../helpers/fake-engine.ts'
import { chatBody, headers, modelRole, until } from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'
import { simulated } from '../helpers/simulated-engine.ts'
import type { SimulationOptions } from '../helpers/simulated-engine.ts'
import { SimulatedSlots } from '../helpers/simulated-slots.ts'

/** Steps end when they are let. */
class HeldSlots extends SimulatedSlots {
  held = false
  #end = (): void => undefined

  override async decode(parts: readonly Part[]): Promise<number[][]> {
    const sampled = await super.decode(parts)
    if (this.held) await new Promise<void>((resolve) => (this.#end = resolve))
    return sampled
  }

  endStep(): void {
    this.#end()
  }
}

const DECODE_MS = 1000
const ANSWER = 8

/** The real loop over simulated slots, where the server has an engine process; words are tokens. */
class SimulatedEngine extends FakeEngine {
  readonly context = new HeldSlots(
    { slots: 1, contextSize: 64, batchSize: 64 },
    { decodeMs: () => DECODE_MS, prefillTokensPerMs: 1 },
  )
  /** Requests that reached the loop. */
  submitted = 0
  readonly #engine: StepEngine
  readonly #calls = new EngineCalls(() => performance.now())
  #load = { running: 0, waiting: 0 }
  readonly #child: EngineChild = {
    pid: undefined,
    send: (message) => {
      if (message.kind === 'generate') {
        this.submitted++
        this.#engine.submit(message.id, message.request)
      } else if (message.kind === 'cancel') this.#engine.cancel(message.id)
      else if (message.kind === 'probe') this.#engine.probe(message.id)
    },
    stop: () => Promise.resolve(),
  }

  constructor(options: SimulationOptions) {
    super()
    this.#engine = simulated(
      this.context,
      {
        ...options,
        ...{ shaping: false, prefixCache: false },
      },
      (round) => {
        this.#load = round
        for (const answer of round.answers) this.#calls.hear(answer)
      },
    )
    void this.#engine.run()
  }

  override generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, void> {
    const all = { ...request, ignoreEos: true }
    return this.#calls.pieces(this.#child, all, signal)
  }

  override async probe(timeoutMs = 5000): Promise<boolean> {
    this.probes++
    return await this.#calls.probe(this.#child, timeoutMs)
  }

  override stats() {
    return { ...super.stats(), running: this.#load.running, waiting: this.#load.waiting }
  }
}

const roles: TestRole[] = []
afterEach(async () => {
  for (const role of roles.splice(0)) await role.close()
})

const PROMPT = 20
const body = (more: object = {}) => {
  const content = 'word '.repeat(PROMPT).trim()
  return chatBody({ messages: [{ role: 'user', content }], max_tokens: ANSWER, ...more })
}

/** A server that answered one request alone, whose only slot is taken now, and where one waits or none. */
async function busy(waiting: 0 | 1, options: SimulationOptions) {
  const engine = new SimulatedEngine(options)
  const role = modelRole({ engine })
  roles.push(role)
  const post = async (more?: object) =>
    await role.app.inject({
      ...{ method: 'POST', url: '/v1/chat/completions', headers: headers(), payload: body(more) },
    })
  const get = async (url: string) => (await role.app.inject({ url })).statusCode
  expect((await post()).statusCode).toBe(200)
  const { context } = engine
  const firstMs = context.nowMs
  context.held = true
  const steps = context.steps.length
  const runs = post()
  await until(() => context.steps.length > steps, 'its slot is taken')
  const waits = waiting === 0 ? undefined : post()
  await until(() => engine.submitted === 2 + waiting, 'asked')
  /** What is refused is told with what the step gave that runs meanwhile. */
  const refused = async (more?: object) => {
    const before = engine.submitted
    const response = post(more)
    await until(() => engine.submitted > before, 'asked')
    context.endStep()
    return await response
  }
  /** Lets all that was admitted end. */
  const finish = async () => {
    context.held = false
    context.endStep()
    return (await Promise.all([runs, waits])).map((response) => response?.statusCode)
  }
  return { engine, context, post, refused, get, firstMs, finish }
}

describe('a server with no room for more', () => {
  test('refuses with 429 and the time until a place is free, and serves those that it took', async () => {
    const { post, refused, firstMs, finish } = await busy(1, { maxQueued: 1 })
    // What the first one took: its prompt, and all steps but one, whose token came with the prompt.
    expect(firstMs).toBe(PROMPT + (ANSWER - 1) * DECODE_MS)
    for (const stream of [false, true]) {
      const response = await refused({ stream })
      expect([response.statusCode, response.headers['retry-after']]).toEqual([429, '8'])
      expect(response.json()).toMatchObject({ error: { code: 'queue_full' } })
    }
    expect(await finish()).toEqual([200, 200])
    expect((await post()).statusCode).toBe(200)
  })

  test('refuses with 429 what would come too late, and says by how much', async () => {
    const { refused, finish } = await busy(0, { firstTokenMs: 2500 })
    for (const stream of [false, true]) {
      const response = await refused({ stream })
      // The slot is likely free after half of the answer, 3.5 or 4 s; the own prompt takes 20 ms more.
      expect([response.statusCode, response.headers['retry-after']]).toEqual([429, '2'])
      expect(response.json()).toMatchObject({ error: { code: 'overloaded' } })
    }
    expect(await finish()).toEqual([200, undefined])
  })

  test('is live, and ready: by the tokens of late, and by a probe, which does not wait in the queue', async () => {
    const { engine, context, refused, get, finish } = await busy(1, { maxQueued: 1 })
    const status = async () => (await refused()).statusCode
    expect(await status()).toBe(429)
    expect([await get('/health/live'), await get('/health/ready')]).toEqual([200, 200])
    expect(engine.probes).toBe(0)
    engine.current = { state: 'ready', msSinceStep: 31_000, restarts: 0 }
    const ready = get('/health/ready')
    await until(() => engine.probes === 1, 'probed')
    expect(await get('/health/live')).toBe(200)
    context.endStep()
    expect(await ready).toBe(200)
    expect(await status()).toBe(429)
    // Nobody who waits was served before it.
    expect(engine.stats()).toMatchObject({ running: 1, waiting: 1 })
    expect(await finish()).toEqual([200, 200])
  })
})
