import { quantile } from '../bench/engine/statistics.ts'
import { until } from '../helpers/roles.ts'
import { type Outcome, firstOf, percent, show } from './campaign.ts'
import { type Seen, readStream } from './read-stream.ts'

export interface FromZero {
  /** Base URL of the API, with /v1. */
  endpoint: string
  key: string
  model: string
  /** Of its pods. */
  deployment: string
  kubectl: (...args: string[]) => Promise<string>
  cycles: number
  /** Asked at once, while there is no pod. */
  streams: number
  maxTokens: number
  say: (line: string) => void
}

const TO_ZERO_MS = 120_000
const PROMPT = 'Selamat pagi! Name the capital of France, and of two countries beside it.'

/** Again and again: no pod, then many requests at once, until there is no pod again. */
export async function scaleFromZero(settings: FromZero): Promise<Outcome> {
  const { cycles, streams, say } = settings
  const seen: Seen[] = []
  const toZero: number[] = []
  const failures: string[] = []
  for (let cycle = 1; cycle <= cycles; cycle++) {
    const began = performance.now()
    await untilNoPod(settings)
    toZero.push(performance.now() - began)
    const asked = await Promise.all(Array.from({ length: streams }, () => askOne(settings)))
    seen.push(...asked)
    const firsts = asked.map(({ firstTokenMs = Infinity }) => firstTokenMs)
    say(`${cycle} of ${cycles}: first tokens after ${show(Math.max(...firsts) / 1000)} s at most`)
    for (const each of asked) {
      if (isWhole(each, settings)) continue
      const { status, tokens, errorCode, broken } = each
      failures.push(`cycle ${cycle}: ${status}, ${tokens} tokens, ${errorCode ?? broken}`)
    }
  }
  const firsts = seen.flatMap(({ firstTokenMs: ms }) => (ms === undefined ? [] : [ms / 1000]))
  // One that was answered at once met a pod: it was not from zero.
  if (Math.min(...firsts) < LEAST_START_S) failures.push('a request met a pod that was there')
  const whole = seen.filter((each) => isWhole(each, settings)).length
  return {
    figures: [
      ['times from zero', `${cycles}`],
      ['requests at once, each time', `${streams}`],
      ['answers that came whole', percent(whole, seen.length)],
      ['time to first token, seconds: median', show(quantile(firsts, 0.5))],
      ['time to first token, seconds: p95', show(quantile(firsts, 0.95))],
      ['time to first token, seconds: most', show(Math.max(...firsts))],
      ['to no pod again, seconds: most', show(Math.max(...toZero) / 1000)],
    ],
    failures: firstOf(failures),
  }
}

/** Node itself takes longer to start. */
const LEAST_START_S = 0.1

const askOne = ({ endpoint, key, model, maxTokens }: FromZero): Promise<Seen> =>
  readStream(endpoint, key, { model, prompt: PROMPT, maxTokens })

const isWhole = ({ finish, tokens, done }: Seen, { maxTokens }: FromZero): boolean =>
  finish === 'length' && tokens === maxTokens && done

/** Not one that ends either: it would answer. */
async function untilNoPod({ kubectl, deployment }: FromZero): Promise<void> {
  const selector = `app.kubernetes.io/instance=${deployment}`
  const pods = () => kubectl('get', 'pods', '-l', selector, '-o', 'name')
  await until(async () => (await pods()).trim() === '', 'no pod of the model', TO_ZERO_MS)
}
