import { type Answer, type Ask, Connection, type Target } from './client.ts'
import { quantile } from './statistics.ts'

/** When the texts of an answer came, and of how many tokens they were. */
export type Events = Pick<Answer, 'eventsAt' | 'completionTokens'>

/** What a case measured: a name and a number each. */
export type Figures = Record<string, number>

/** `streams` connections, each of which asks its `perStream` requests one after another. */
export async function closedLoop(
  target: Target,
  streams: number,
  perStream: number,
  ask: (stream: number, turn: number) => Ask,
): Promise<Answer[]> {
  const all = await Promise.all(
    Array.from({ length: streams }, async (_, stream) => {
      const connection = new Connection(target)
      const answers: Answer[] = []
      for (let turn = 0; turn < perStream; turn++) {
        answers.push(await connection.complete(ask(stream, turn)))
      }
      connection.close()
      return answers
    }),
  )
  const answers = all.flat()
  tellFailures(answers)
  return answers
}

/** Why, once each: a number of errors alone leaves nothing to look for. */
function tellFailures(answers: readonly Answer[]): void {
  const failed = answers.filter((answer) => !isWhole(answer))
  const causes = new Set(failed.map(({ status, error }) => `${status} ${error || 'cut'}`))
  for (const cause of causes) process.stderr.write(`  failed: ${cause}\n`)
}

const isWhole = ({ status, error }: Answer): boolean => status === 200 && error === ''
export const ttftOf = ({ eventsAt, askedAt }: Answer): number => (eventsAt[0] ?? NaN) - askedAt

/** Times between the texts of each answer, ms. */
export function gapsOf(answers: readonly Answer[]): number[] {
  return answers.flatMap(({ eventsAt }) =>
    eventsAt.slice(1).map((at, index) => at - (eventsAt[index] ?? at)),
  )
}

/** Rates over the time from the first request to the last answer; times in ms. */
export function summarise(answers: readonly Answer[]): Figures {
  const whole = answers.filter(isWhole)
  const began = Math.min(...answers.map(({ askedAt }) => askedAt))
  const seconds = (Math.max(...answers.map(({ endedAt }) => endedAt)) - began) / 1000
  const tokens = whole.reduce((sum, { completionTokens }) => sum + completionTokens, 0)
  const first = whole.map(ttftOf)
  const gaps = gapsOf(whole)
  return {
    tokensPerSecond: tokens / seconds,
    requestsPerSecond: whole.length / seconds,
    ttftP50: quantile(first, 0.5),
    ttftP95: quantile(first, 0.95),
    ttftP99: quantile(first, 0.99),
    itlP50: quantile(gaps, 0.5),
    itlP99: quantile(gaps, 0.99),
    longestStall: quantile(gaps, 1),
    promptTokens: whole.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
    cachedTokens: whole.reduce((sum, { cachedTokens }) => sum + cachedTokens, 0),
    tokens,
    resets: answers.reduce((sum, { resets }) => sum + resets, 0),
    errors: answers.length - whole.length,
  }
}

/** Tokens a second while every stream decodes: from the last first text to the first end; NaN if no such time is. */
export function decodeRate(answers: readonly Events[]): number {
  const from = Math.max(...answers.map(({ eventsAt }) => eventsAt[0] ?? NaN))
  const to = Math.min(...answers.map(({ eventsAt }) => eventsAt.at(-1) ?? NaN))
  if (!(to > from)) return Number.NaN
  const inside = answers.map(({ eventsAt, completionTokens }) => {
    const events = eventsAt.filter((at) => at > from && at <= to).length
    // A text may carry more than one token.
    return (events * completionTokens) / eventsAt.length
  })
  return (inside.reduce((sum, tokens) => sum + tokens, 0) / (to - from)) * 1000
}
