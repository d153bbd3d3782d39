import type { EngineClient } from '../../../server/engine/engine-client.ts'
import { openEngine, requestOf } from '../../campaign/open-engine.ts'
import { decodeRate, type Events } from './load.ts'
import type { ModelName } from './options.ts'
import type { Prompts } from './prompts.ts'
import { STREAMS } from './workloads/throughput.ts'
import type { Cases } from './workloads/workload.ts'

const PROMPT = 64
const ANSWER = 64
const MOST = Math.max(...STREAMS)

/** What our engine process reaches without HTTP in front of it, as cases of workload W0. */
export async function measureEngine(
  model: ModelName,
  prompts: Prompts,
  seed: number,
): Promise<Cases> {
  const engine = await openEngine(model, { contextSize: 512, slots: MOST })
  const decode = (rows: number, name: string) =>
    Promise.all(
      Array.from({ length: rows }, (_, stream) =>
        timed(engine.client, prompts.prompt(`W0 ${name} ${stream}`, PROMPT)),
      ),
    )
  try {
    // As every other arm: what is measured has served before.
    await decode(MOST, 'first')
    const cases: Cases = {}
    for (const rows of STREAMS) {
      const answers = await decode(rows, `${seed} ${rows}`)
      cases[rows] = { decodePerSecond: decodeRate(answers) }
    }
    return cases
  } finally {
    await engine.close()
  }
}

async function timed(client: EngineClient, prompt: readonly number[]): Promise<Events> {
  const eventsAt: number[] = []
  let completionTokens = 0
  const request = requestOf(prompt, { maxTokens: ANSWER, ignoreEos: true })
  for await (const { text, tokens } of client.generate(request, new AbortController().signal)) {
    if (text !== '') eventsAt.push(performance.now())
    completionTokens += tokens
  }
  return { eventsAt, completionTokens }
}
