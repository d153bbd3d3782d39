import { setTimeout as sleep } from 'node:timers/promises'
import { MODELS } from '../bench/engine/options.ts'
import { quantile, randomNumbers } from '../bench/engine/statistics.ts'
import { isReady, modelConfig, startRole, untilReady, weightsOf } from '../helpers/real-role.ts'
import type { RealRole } from '../helpers/real-role.ts'
import { API_KEY, until } from '../helpers/roles.ts'
import { type Outcome, type Settings, firstOf, percent, show } from './campaign.ts'
import { type Seen, readStream } from './read-stream.ts'

const STREAMS = 8
const SLOTS = 4
const MAX_TOKENS = 60
const LONGEST_LIFE_MS = 2500
const HANG_MS = 20_000
const BEYOND_LOAD_MS = 5000
const PROMPT_TOKENS = 12

interface Kills {
  streams: number
  whole: number
  withError: number
  refused: number
  /** From the start of the server to ready. */
  loadMs: number
  serviceMs: number[]
  failures: string[]
}

/** kill -9 of one server's engine again and again, at random moments, while half of the streams decode and half of them wait. */
export async function kill({ model, size, say }: Settings): Promise<Outcome> {
  const id = MODELS[model]
  const file = await weightsOf(id)
  const random = randomNumbers(31)
  const prompts = Array.from({ length: STREAMS }, () =>
    Array.from({ length: PROMPT_TOKENS }, () => 1000 + Math.floor(random() * 20_000)),
  )
  const began = performance.now()
  const role = await startRole(modelConfig(id, file, { contextSize: 256, slots: SLOTS }))
  try {
    await untilReady(role)
    const kills: Kills = {
      ...{ streams: 0, whole: 0, withError: 0, refused: 0 },
      ...{ loadMs: performance.now() - began, serviceMs: [], failures: [] },
    }
    const site = new Site(role, id, prompts, kills)
    const expected = await site.alone()
    for (let turn = 0; turn < size; turn++) {
      if (turn % 5 === 0) say(`${turn} of ${size} kills`)
      await site.killOnce(random() * LONGEST_LIFE_MS, expected)
    }
    return outcomeOf(kills)
  } finally {
    await role.stop()
  }
}

/** One server and those who ask it. */
class Site {
  readonly #role: RealRole
  readonly #model: string
  readonly #prompts: readonly number[][]
  readonly #kills: Kills

  constructor(role: RealRole, model: string, prompts: readonly number[][], kills: Kills) {
    this.#role = role
    this.#model = model
    this.#prompts = prompts
    this.#kills = kills
  }

  async alone(): Promise<string[]> {
    const texts: string[] = []
    for (const prompt of this.#prompts) texts.push((await this.#ask(prompt)).text)
    return texts
  }

  async killOnce(afterMs: number, expected: readonly string[]): Promise<void> {
    const kills = this.#kills
    const streams = Promise.all(this.#prompts.map((prompt) => this.#ask(prompt)))
    await sleep(afterMs)
    const pid = this.#role.enginePid()
    const killedAt = performance.now()
    process.kill(pid, 'SIGKILL')
    const [, late] = await Promise.all([
      this.#refusedMeanwhile(),
      Promise.race([streams.then(() => false), sleep(HANG_MS, true, { ref: false })]),
    ])
    if (late) kills.failures.push('a stream hung')
    else this.#check(await streams, expected)
    await until(() => this.#serves(pid), 'service', HANG_MS + BEYOND_LOAD_MS)
    const serviceMs = performance.now() - killedAt
    kills.serviceMs.push(serviceMs)
    const allowed = kills.loadMs + BEYOND_LOAD_MS
    if (serviceMs > allowed) {
      kills.failures.push(`service after ${show(serviceMs)} ms, allowed ${show(allowed)}`)
    }
  }

  #ask(prompt: readonly number[]): Promise<Seen> {
    const ask = { model: this.#model, prompt, maxTokens: MAX_TOKENS }
    return readStream(`${this.#role.url}/v1`, API_KEY, ask)
  }

  /** Once the death is known, who comes anew is told to come again. */
  async #refusedMeanwhile(): Promise<void> {
    await until(async () => !(await isReady(this.#role.url)), 'not ready', HANG_MS)
    const { status, retryAfter } = await this.#ask([1])
    if (status === 503 && Number(retryAfter) > 0) this.#kills.refused++
    else this.#kills.failures.push(`a new request got ${status}, Retry-After ${retryAfter}`)
  }

  async #serves(killed: number): Promise<boolean> {
    if (this.#role.enginePid() === killed || !(await isReady(this.#role.url))) return false
    const ask = { model: this.#model, prompt: [1], maxTokens: 1 }
    return (await readStream(`${this.#role.url}/v1`, API_KEY, ask)).status === 200
  }

  #check(streams: readonly Seen[], expected: readonly string[]): void {
    const { failures } = this.#kills
    for (const [index, seen] of streams.entries()) {
      this.#kills.streams++
      const { status, text, finish, errorCode, done, broken, retryAfter } = seen
      if (broken !== undefined) failures.push(`a connection broke: ${broken}`)
      if (!(expected[index] ?? '').startsWith(text.replace(/\uFFFD+$/, ''))) {
        failures.push(`stream ${index}: other text than alone`)
      }
      if (finish === 'length' && done) this.#kills.whole++
      else if (errorCode === 'model_unavailable') this.#kills.withError++
      else failures.push(`a stream ended with ${status}, ${errorCode ?? 'no error'}`)
      if (status === 503 && !(Number(retryAfter) > 0)) failures.push('503 without Retry-After')
    }
  }
}

function outcomeOf({ streams, whole, withError, refused, loadMs, serviceMs, failures }: Kills) {
  const spread = (values: readonly number[]) =>
    [0.5, 1].map((share) => show(quantile(values, share))).join(' / ')
  const figures: [string, string][] = [
    ['kills', `${serviceMs.length}`],
    ['streams that ended with a typed error', percent(withError, streams)],
    ['streams that were whole before', percent(whole, streams)],
    ['new requests refused with 503 and Retry-After', percent(refused, serviceMs.length)],
    ['start to ready, ms', show(loadMs)],
    ['kill to service, ms: median / most', spread(serviceMs)],
  ]
  return { figures, failures: firstOf(failures) }
}
