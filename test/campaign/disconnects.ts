import { MODELS } from '../bench/engine/options.ts'
import { quantile, randomNumbers } from '../bench/engine/statistics.ts'
import { weightsOf } from '../helpers/real-role.ts'
import { until } from '../helpers/roles.ts'
import { type Outcome, type Settings, firstOf, percent, show } from './campaign.ts'
import { EngineStorm } from './disconnects/engine-storm.ts'
import { HttpStorm } from './disconnects/http-storm.ts'
import { MOMENTS, type Visit } from './disconnects/leaves.ts'
import { engineOptions } from './open-engine.ts'

const SLOTS = 8
/** Twice as many as slots: half of them wait. */
const CLIENTS = 2 * SLOTS
const CONTEXT = 1024
const LONGEST_PROMPT = 400
const LONGEST_STAY_MS = { waiting: 1200, prefill: 100, decoding: 1200 }
/** Beyond the step that runs when a client leaves. */
const SLACK_MS = 250
const QUIET_MS = 60_000
const TOKENS = 20_000
/** Of fewer clients none may have had to wait. */
const LEAST_JUDGED = 30

/** Clients that leave while they wait, while their prompt is read and while they are answered. */
export async function disconnects(settings: Settings): Promise<Outcome> {
  const overHttp = Math.floor(settings.size / 2)
  const random = randomNumbers(23)
  const outcome: Outcome = { figures: [], failures: [] }
  await atTheEngine(settings, settings.size - overHttp, random, outcome)
  await throughTheGateway(settings, overHttp, random, outcome)
  return { ...outcome, failures: firstOf(outcome.failures) }
}

const visitOf = (random: () => number): Visit => {
  const length = 1 + Math.floor(random() * LONGEST_PROMPT)
  const prompt = Array.from({ length }, () => 1000 + Math.floor(random() * TOKENS))
  const from = MOMENTS[Math.floor(random() * MOMENTS.length)] ?? 'waiting'
  return { prompt, from, stayMs: random() * LONGEST_STAY_MS[from] }
}

/** Clients of the engine process itself: it says what each was at when it left. */
async function atTheEngine(
  { model, say }: Settings,
  count: number,
  random: () => number,
  { figures, failures }: Outcome,
): Promise<void> {
  const options = await engineOptions(model, { slots: SLOTS, contextSize: CONTEXT })
  const storm = new EngineStorm(options)
  try {
    await storm.ready
    let left = 0
    const client = async () => {
      while (left < count) {
        if (++left % 100 === 0) say(`${left} of ${count} at the engine`)
        await storm.visit(visitOf(random))
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
    const inUse = () => storm.load.running + storm.load.waiting + storm.load.kvTokens
    await until(() => inUse() === 0, 'free', QUIET_MS).catch(() => undefined)
    const { leaves, faults, load } = storm
    for (const moment of MOMENTS) {
      const those = leaves.filter((each) => each.moment === moment).length
      figures.push([`at the engine: left while ${moment}`, percent(those, leaves.length)])
      if (those === 0 && count >= LEAST_JUDGED) failures.push(`nobody left while ${moment}`)
    }
    const late = leaves.map(({ lateMs }) => lateMs)
    judge('at the engine', { late, held: load.running + load.waiting }, { figures, failures })
    failures.push(...faults)
    if (load.kvTokens > 0) failures.push(`${load.kvTokens} cells of left clients are in use`)
  } finally {
    await storm.close()
  }
}

/** Clients whose connection to the gateway is cut, in waves: what is held then tells whose slots are free. */
async function throughTheGateway(
  { model, say }: Settings,
  count: number,
  random: () => number,
  { figures, failures }: Outcome,
): Promise<void> {
  const id = MODELS[model]
  const more = { slots: SLOTS, contextSize: CONTEXT }
  const storm = await HttpStorm.open(id, await weightsOf(id), more)
  try {
    for (let left = 0; left < count; left += CLIENTS) {
      say(`${left} of ${count} through the gateway`)
      const length = Math.min(CLIENTS, count - left)
      await storm.wave(Array.from({ length }, () => visitOf(random)))
    }
    const { lateMs: late, answered, faults, held } = storm
    figures.push(['through the gateway: left while answered', percent(answered, late.length)])
    judge('through the gateway', { late, held }, { figures, failures })
    failures.push(...faults)
  } finally {
    failures.push(...(await storm.close()))
  }
}

function judge(
  where: string,
  { late, held }: { late: readonly number[]; held: number },
  { figures, failures }: Outcome,
): void {
  const spread = [0.5, 0.99, 1].map((share) => show(quantile(late, share))).join(' / ')
  figures.push([`${where}: slot free after the running step, ms: median / p99 / most`, spread])
  figures.push([`${where}: slots and places in use at the end`, `${held}`])
  const slow = late.filter((ms) => ms > SLACK_MS).length
  if (slow > 0) {
    failures.push(`${where}: ${slow} were cancelled later than a step and ${SLACK_MS} ms`)
  }
  if (held > 0) failures.push(`${where}: ${held} slots and places leaked`)
}
