import type { EngineOptions } from '../../server/engine/protocol.ts'
import { quantile } from '../bench/engine/statistics.ts'
import { type Outcome, type Settings, firstOf, percent, show } from './campaign.ts'
import { type AloneDecoder, openAlone } from './exactness/alone.ts'
import { type Alone, type Difference, TIE_GAP, differenceOf } from './exactness/judge.ts'
import { peerAnswers } from './exactness/peer.ts'
import { promptsOf } from './exactness/prompts.ts'
import { engineOptions, inParallel, openEngine } from './open-engine.ts'

const MAX_TOKENS = 64
/** Of all answers; a share of equal ones to the peer, a share of ties at many streams. */
const LEAST_EQUAL = 0.99
const MOST_TIES = 0.01
/** Prompts for stock llama-server, whose other kernels round otherwise: it is only counted how often that shows. */
const STOCK_PROMPTS = 100

interface Arm {
  name: string
  streams: number
  shaping: boolean
  prefixCache: boolean
  drafts: boolean
  /** Absent: one a core. */
  threads?: number
}

const NOTHING = { shaping: false, prefixCache: false, drafts: false }
const EVERYTHING = { shaping: true, prefixCache: true, drafts: true }

/** What all others are compared with. */
const ALONE: Arm = { name: '1 stream', streams: 1, ...NOTHING }
/** Few streams in many slots: holes, pad rows and moves. One alone: guesses. */
const ARMS: readonly Arm[] = [
  { name: '1 stream, guessed', streams: 1, ...EVERYTHING, prefixCache: false },
  { name: '1 stream, with everything', streams: 1, ...EVERYTHING },
  { name: '16 streams', streams: 16, ...NOTHING },
  { name: '16 streams, shaped', streams: 16, ...NOTHING, shaping: true },
  { name: '16 streams, cached', streams: 16, ...NOTHING, prefixCache: true },
  { name: '16 streams, with everything', streams: 16, ...EVERYTHING },
  { name: '6 streams, with everything', streams: 6, ...EVERYTHING },
  { name: '16 streams, with everything, one thread', streams: 16, ...EVERYTHING, threads: 1 },
]
/** All of them take too long for every test run. */
const FEW = ['1 stream, guessed', '16 streams', '16 streams, with everything']

/** Greedy answers against llama-server's, and many at once against each alone. */
export async function exactness(
  settings: Settings,
  { few = false }: { few?: boolean } = {},
): Promise<Outcome> {
  const options = await engineOptions(settings.model, {})
  const prompts = await promptsOf(options.file, settings.size)
  settings.say(`${ALONE.name}: ${prompts.length} answers`)
  const alone = await answersOf(settings, ALONE, prompts)
  const peer = 'llama-server with our kernels'
  settings.say(peer)
  const task = { prompts, maxTokens: MAX_TOKENS, ourKernels: true, streams: 1 }
  const peers = await peerAnswers(settings, options, task)
  const judge = await Judge.open({ ...options, slots: 1 }, prompts, settings.say)
  const outcome: Outcome = { figures: [], failures: [] }
  try {
    await judge.report(peer, alone, peers, 1 - LEAST_EQUAL, outcome)
    if (!few) outcome.figures.push(...(await stock(settings, options, prompts, alone)))
    for (const arm of ARMS.filter(({ name }) => !few || FEW.includes(name))) {
      settings.say(arm.name)
      const answers = await answersOf(settings, arm, prompts)
      await judge.report(arm.name, alone, answers, MOST_TIES, outcome)
    }
  } finally {
    await judge.close()
  }
  return outcome
}

/** How often the answers of stock kernels differ from ours, and from their own when others are decoded beside. */
async function stock(
  settings: Settings,
  options: EngineOptions,
  prompts: readonly number[][],
  alone: readonly string[],
): Promise<Outcome['figures']> {
  const name = 'llama-server as it comes'
  settings.say(name)
  const asked = prompts.slice(0, STOCK_PROMPTS)
  const answersAt = (streams: number) =>
    peerAnswers(settings, options, {
      ...{ prompts: asked, maxTokens: MAX_TOKENS, ourKernels: false, streams },
    })
  const [one, many] = [await answersAt(1), await answersAt(16)]
  return [
    [`${name}: equal`, equalOf(alone, one)],
    [`${name}, 16 streams: equal to its own at 1`, equalOf(one, many)],
  ]
}

const equalOf = (alone: readonly string[], answers: readonly string[]) =>
  percent(answers.filter((answer, at) => answer === alone[at]).length, answers.length)

async function answersOf(
  { model }: Settings,
  { streams, shaping, prefixCache, drafts, threads }: Arm,
  prompts: readonly number[][],
): Promise<string[]> {
  const engine = await openEngine(model, {
    ...{ shaping, prefixCache, drafts },
    ...(threads === undefined ? {} : { threads }),
  })
  try {
    const said = await inParallel(prompts, streams, (prompt) =>
      engine.ask(prompt, { maxTokens: MAX_TOKENS }),
    )
    return said.map(({ text }) => text)
  } finally {
    await engine.close()
  }
}

/** Compares answers, and decodes alone what differs, once a prompt. */
class Judge {
  readonly #decoder: AloneDecoder
  readonly #prompts: readonly number[][]
  readonly #say: Settings['say']
  readonly #known = new Map<number, Alone>()

  private constructor(decoder: AloneDecoder, prompts: readonly number[][], say: Settings['say']) {
    this.#say = say
    this.#decoder = decoder
    this.#prompts = prompts
  }

  static async open(
    options: EngineOptions,
    prompts: readonly number[][],
    say: Settings['say'],
  ): Promise<Judge> {
    return new Judge(await openAlone(options), prompts, say)
  }

  /** `mostTies`: a share of all answers. */
  async report(
    name: string,
    alone: readonly string[],
    answers: readonly string[],
    mostTies: number,
    { figures, failures }: Outcome,
  ): Promise<void> {
    const found: (Difference & { prompt: number })[] = []
    for (const [prompt, answer] of answers.entries()) {
      if (answer === alone[prompt]) continue
      const difference = differenceOf(alone[prompt] ?? '', answer, await this.#alone(prompt))
      if (difference !== undefined) found.push({ prompt, ...difference })
    }
    this.#say(`${name}: ${found.length} of ${answers.length} differ`)
    const ties = found.filter(({ tie }) => tie)
    const gaps = found.map(({ gap }) => gap)
    const spread = [0, 0.5, 1].map((share) => show(quantile(gaps, share))).join(' / ')
    figures.push([`${name}: equal`, percent(answers.length - found.length, answers.length)])
    figures.push([`${name}: ties`, percent(ties.length, answers.length)])
    if (gaps.length > 0) figures.push([`${name}: gaps, least / median / most`, spread])
    const beyond = found.filter(({ tie }) => !tie)
    const lines = beyond.map(
      ({ prompt, at, gap }) => `${name}: prompt ${prompt} differs at token ${at}, gap ${show(gap)}`,
    )
    failures.push(...firstOf(lines))
    if (ties.length > answers.length * mostTies) {
      failures.push(`${name}: ${percent(ties.length, answers.length)} ties (gap < ${TIE_GAP})`)
    }
  }

  async close(): Promise<void> {
    await this.#decoder.close()
  }

  async #alone(prompt: number): Promise<Alone> {
    const task = { prompt: this.#prompts[prompt] ?? [], maxTokens: MAX_TOKENS }
    const known = this.#known.get(prompt) ?? (await this.#decoder.decode(task))
    this.#known.set(prompt, known)
    return known
  }
}
