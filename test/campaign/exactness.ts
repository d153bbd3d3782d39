import { type Outcome, type Settings, percent } from './campaign.ts'
import { ALONE, ARMS, FEW, MAX_TOKENS, answersOf } from './exactness/arms.ts'
import { Comparison } from './exactness/comparison.ts'
import { peerAnswers } from './exactness/peer.ts'
import { CONTEXT_SIZE, promptsOf } from './exactness/prompts.ts'
import { engineOptions } from './open-engine.ts'

/** Of all answers; a share of equal ones to the peer, a share of ties at many streams. */
const LEAST_EQUAL = 0.99
const MOST_TIES = 0.01
/** Prompts for stock llama-server, whose other kernels round otherwise: what that changes is only counted. */
const STOCK_PROMPTS = 50

/** Greedy answers against llama-server's, and many at once against each alone. */
export async function exactness(
  settings: Settings,
  { few = false }: { few?: boolean } = {},
): Promise<Outcome> {
  const { say } = settings
  const options = await engineOptions(settings.model, { contextSize: CONTEXT_SIZE })
  const prompts = await promptsOf(options.file, settings.size)
  say(`${ALONE.name}: ${prompts.length} answers`)
  const { answers: alone, acted: nothing } = await answersOf(settings, ALONE, prompts)
  const peersAt = (count: number, ourKernels: boolean, streams: number) =>
    peerAnswers(settings, options, {
      ...{ prompts: prompts.slice(0, count), maxTokens: MAX_TOKENS, ourKernels, streams },
    })
  const comparison = await Comparison.open({ ...options, slots: 1 }, { prompts, alone, say })
  const outcome: Outcome = { figures: [], failures: [...nothing.failures] }
  try {
    const peer = 'llama-server with our kernels'
    say(peer)
    const peers = await peersAt(prompts.length, true, 1)
    await comparison.judge(peer, peers, 1 - LEAST_EQUAL, outcome)
    if (!few)
      await showStock(comparison, (streams) => peersAt(STOCK_PROMPTS, false, streams), outcome)
    for (const arm of ARMS.filter(({ name }) => !few || FEW.includes(name))) {
      say(arm.name)
      const { answers, acted } = await answersOf(settings, arm, prompts)
      await comparison.judge(arm.name, answers, MOST_TIES, outcome)
      outcome.figures.push([`${arm.name}: what acted`, acted.figure])
      outcome.failures.push(...acted.failures.map((line) => `${arm.name}: ${line}`))
    }
  } finally {
    await comparison.close()
  }
  return outcome
}

/**
 * How the answers of stock kernels differ from ours, and from their own when others are decoded beside.
 * No promise: the campaign `quality` says which of the two are nearer to the exact ones.
 */
async function showStock(
  comparison: Comparison,
  answersAt: (streams: number) => Promise<string[]>,
  { figures }: Outcome,
): Promise<void> {
  const name = 'llama-server as it comes'
  const one = await answersAt(1)
  const many = await answersAt(16)
  await comparison.show(name, one, figures)
  const same = many.filter((answer, at) => answer === one[at]).length
  figures.push([`${name}, 16 streams: equal to its own at 1`, percent(same, one.length)])
}
