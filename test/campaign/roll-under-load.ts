import { setTimeout as sleep } from 'node:timers/promises'
import { randomNumbers } from '../bench/engine/statistics.ts'
import { until } from '../helpers/roles.ts'
import { type Outcome, firstOf, percent, show } from './campaign.ts'
import { readStream } from './read-stream.ts'

export interface Rollout {
  /** Base URL of the API, with /v1. */
  endpoint: string
  key: string
  model: string
  kubectl: (...args: string[]) => Promise<string>
  /** Restarted in turn. */
  deployments: readonly string[]
  updates: number
  streams: number
  maxTokens: number
  /** One stream in so many is of so many tokens instead: a drain must wait for it. */
  long?: { oneIn: number; maxTokens: number }
  say: (line: string) => void
}

/** Short ones end in the seconds before a pod is told to end: that it cuts streams would not be seen. */
export const LONG_STREAMS = { oneIn: 6, maxTokens: 256 }

const PROMPT_TOKENS = 12
const TURNOVER_MS = 180_000
const REFUSED_MS = 300
const ROLLOUT_TIMEOUT = '300s'

/** Streams that begin and end all the time, while one deployment after the other is rolled. */
export async function rollUnderLoad(rollout: Rollout): Promise<Outcome> {
  const { deployments, updates, streams, kubectl, say } = rollout
  const load = new Load(rollout)
  const clients = Array.from({ length: streams }, (_, client) => load.keepAsking(client))
  const seconds: number[] = []
  try {
    for (let update = 0; update < updates; update++) {
      const name = `deployment/${deployments[update % deployments.length]}`
      say(`update ${update + 1} of ${updates}: ${name}`)
      const began = performance.now()
      load.updating()
      await kubectl('rollout', 'restart', name)
      await kubectl('rollout', 'status', name, `--timeout=${ROLLOUT_TIMEOUT}`)
      seconds.push((performance.now() - began) / 1000)
      // The next one meets streams that this one did not.
      await load.ended(streams)
    }
  } finally {
    load.stopped = true
    await Promise.all(clients)
  }
  return outcomeOf(rollout, load, Math.max(...seconds))
}

function outcomeOf({ updates, streams, long }: Rollout, load: Load, mostSeconds: number): Outcome {
  const { asked, whole, longAcross, refused, failures } = load
  const figures: [string, string][] = [
    ['rolling updates', `${updates}`],
    ['streams at a time', `${streams}`],
    ['streams that came whole', percent(whole, asked)],
    ['requests refused with 429 and asked again', `${refused}`],
    ['an update, seconds: most', show(mostSeconds)],
  ]
  // Those that nobody cut must have been there at all.
  if (whole < streams) failures.push(`only ${whole} streams came whole`)
  if (long !== undefined) {
    const label = `streams of ${long.maxTokens} tokens, whole, that an update began under`
    figures.push([label, `${longAcross}`])
    if (longAcross < updates) {
      failures.push(`only ${longAcross} long streams came whole through ${updates} updates`)
    }
  }
  return { figures, failures: firstOf(failures) }
}

class Load {
  stopped = false
  /** Streams that ended, however they did. */
  asked = 0
  whole = 0
  /** Long ones that came whole though an update began meanwhile. */
  longAcross = 0
  /** Requests beyond what the stack admits: an answer too, and asked again. */
  refused = 0
  readonly failures: string[] = []
  readonly #rollout: Rollout
  #updates = 0

  constructor(rollout: Rollout) {
    this.#rollout = rollout
  }

  /** Resolves when so many more have ended. */
  async ended(count: number): Promise<void> {
    const goal = this.asked + count
    await until(() => this.asked >= goal, `${count} streams ended`, TURNOVER_MS)
  }

  /** An update begins now. */
  updating(): void {
    this.#updates++
  }

  async keepAsking(client: number): Promise<void> {
    const { endpoint, key, model, long } = this.#rollout
    const isLong = long !== undefined && client % long.oneIn === 0
    const { maxTokens } = isLong ? long : this.#rollout
    const random = randomNumbers(client)
    while (!this.stopped) {
      const prompt = Array.from(
        { length: PROMPT_TOKENS },
        () => 1000 + Math.floor(random() * 20_000),
      )
      const updatesBefore = this.#updates
      const seen = await readStream(endpoint, key, { model, prompt, maxTokens })
      if (seen.status === 429) {
        this.refused++
        await sleep(REFUSED_MS)
        continue
      }
      this.asked++
      const { status, finish, tokens, done, errorCode, broken } = seen
      if (finish === 'length' && tokens === maxTokens && done) {
        this.whole++
        if (isLong && this.#updates > updatesBefore) this.longAcross++
      } else this.failures.push(`a stream got ${status}, ${tokens} tokens, ${errorCode ?? broken}`)
    }
  }
}
