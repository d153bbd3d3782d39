import { MODELS } from '../bench/engine/options.ts'
import { memoryMiB } from '../bench/engine/processes.ts'
import { randomNumbers, slope } from '../bench/engine/statistics.ts'
import { modelConfig, startRole, untilReady, weightsOf } from '../helpers/real-role.ts'
import type { RealRole } from '../helpers/real-role.ts'
import { API_KEY } from '../helpers/roles.ts'
import { type Outcome, type Settings, firstOf, show } from './campaign.ts'
import { inParallel } from './open-engine.ts'
import { readStream } from './read-stream.ts'

const SLOTS = 16
/** Few: what could leak does so with each request, not with each token. */
const PROMPT_TOKENS = 8
const MAX_TOKENS = 3
const LEGS = 20
/** Before that, pools fill and code is compiled. */
const WARM_UP = 0.25
/** MiB a thousand requests. Below so many the heap's own breathing is greater than that. */
const MOST_GROWTH = 2
const LEAST_JUDGED = 5000

type Memory = Record<'server' | 'engine', [sent: number, mib: number][]>

/** Many short requests; memory of both processes is read between the legs. */
export async function soak({ model, size, say }: Settings): Promise<Outcome> {
  const id = MODELS[model]
  const config = modelConfig(id, await weightsOf(id), { contextSize: 256, slots: SLOTS })
  const role = await startRole(config)
  try {
    await untilReady(role)
    const memory: Memory = { server: [], engine: [] }
    const failures: string[] = []
    const leg = Math.max(SLOTS, Math.ceil(size / LEGS))
    for (let sent = 0; sent < size; sent += leg) {
      say(`${sent} of ${size} requests`)
      failures.push(...(await ask(role, id, sent, Math.min(leg, size - sent))))
      memory.server.push([sent + leg, await memoryMiB([role.process.pid ?? 0])])
      memory.engine.push([sent + leg, await memoryMiB([role.enginePid()])])
    }
    return outcomeOf(memory, size, failures)
  } finally {
    await role.stop()
  }
}

async function ask(role: RealRole, model: string, sent: number, count: number): Promise<string[]> {
  const random = randomNumbers(sent)
  const prompts = Array.from({ length: count }, () =>
    Array.from({ length: PROMPT_TOKENS }, () => 1000 + Math.floor(random() * 20_000)),
  )
  const seen = await inParallel(prompts, SLOTS, (prompt) =>
    readStream(`${role.url}/v1`, API_KEY, { model, prompt, maxTokens: MAX_TOKENS }),
  )
  return seen
    .filter(({ tokens, done }) => tokens !== MAX_TOKENS || !done)
    .map(({ status, errorCode, broken }) => `a request got ${status} ${errorCode ?? broken}`)
}

function outcomeOf(memory: Memory, size: number, failures: string[]): Outcome {
  const figures: [string, string][] = [['requests', `${size}`]]
  for (const [name, points] of Object.entries(memory)) {
    const settled = points.filter(([sent]) => sent > size * WARM_UP)
    const growth = slope(settled) * 1000
    const sizes = [points[0], settled[0], points.at(-1)].map((point) => show(point?.[1] ?? NaN))
    figures.push([`${name}, MiB: first / warm / last`, sizes.join(' / ')])
    figures.push([`${name}, MiB a thousand requests`, show(growth)])
    if (size >= LEAST_JUDGED && growth > MOST_GROWTH)
      failures.push(`${name} grows by ${show(growth)} MiB a thousand`)
  }
  return { figures, failures: firstOf(failures) }
}
