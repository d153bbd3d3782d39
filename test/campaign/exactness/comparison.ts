import type { EngineOptions } from '../../../server/engine/protocol.ts'
import { quantile } from '../../bench/engine/statistics.ts'
import { type Outcome, type Settings, firstOf, percent, show } from '../campaign.ts'
import { type AloneDecoder, openAlone } from './alone.ts'
import { MAX_TOKENS } from './arms.ts'
import { type Alone, type Difference, TIE_GAP, differenceOf } from './judge.ts'

interface Reference {
  prompts: readonly number[][]
  /** Our answer to each, decoded with nothing beside it. */
  alone: readonly string[]
  say: Settings['say']
}

type Found = Difference & { prompt: number }

/** Compares answers with those alone, and decodes alone what differs, once a prompt. */
export class Comparison {
  readonly #decoder: AloneDecoder
  readonly #reference: Reference
  readonly #known = new Map<number, Alone>()

  private constructor(decoder: AloneDecoder, reference: Reference) {
    this.#decoder = decoder
    this.#reference = reference
  }

  static async open(options: EngineOptions, reference: Reference): Promise<Comparison> {
    return new Comparison(await openAlone(options), reference)
  }

  /** Adds how many are equal, how many tie, and how wide apart the choices of the others were. */
  async show(
    name: string,
    answers: readonly string[],
    figures: Outcome['figures'],
  ): Promise<Found[]> {
    const found = await this.#differences(answers)
    const others = found.filter(({ tie }) => !tie)
    this.#reference.say(`${name}: ${found.length} of ${answers.length} differ`)
    const counts = [
      ['equal', answers.length - found.length],
      ['ties', found.length - others.length],
    ] as const
    for (const [what, count] of counts) {
      figures.push([`${name}: ${what}`, percent(count, answers.length)])
    }
    if (others.length > 0) {
      const gaps = others.map(({ gap }) => gap)
      const spread = [0, 0.5, 1].map((share) => show(quantile(gaps, share))).join(' / ')
      figures.push([`${name}: gaps of the others, least / median / most`, spread])
    }
    return found
  }

  /** All that differ must be ties, and no more of them than `mostTies`, a share of all answers. */
  async judge(
    name: string,
    answers: readonly string[],
    mostTies: number,
    { figures, failures }: Outcome,
  ): Promise<void> {
    const found = await this.show(name, answers, figures)
    const lines = found
      .filter(({ tie }) => !tie)
      .map(({ prompt, at, gap }) => `prompt ${prompt} differs at token ${at}, gap ${show(gap)}`)
    failures.push(...firstOf(lines.map((line) => `${name}: ${line}`)))
    const ties = found.length - lines.length
    if (ties > answers.length * mostTies) {
      failures.push(`${name}: ${percent(ties, answers.length)} ties (gap < ${TIE_GAP})`)
    }
  }

  async close(): Promise<void> {
    await this.#decoder.close()
  }

  /** `answers`: to all prompts in their order, or to the first of them, or to all of them several times over. */
  async #differences(answers: readonly string[]): Promise<Found[]> {
    const { alone } = this.#reference
    const found: Found[] = []
    for (const [index, answer] of answers.entries()) {
      const prompt = index % alone.length
      if (answer === alone[prompt]) continue
      const expected = alone[prompt] ?? ''
      const difference = differenceOf(expected, answer, await this.#decoded(prompt))
      if (difference !== undefined) found.push({ prompt, ...difference })
    }
    return found
  }

  async #decoded(prompt: number): Promise<Alone> {
    const task = { prompt: this.#reference.prompts[prompt] ?? [], maxTokens: MAX_TOKENS }
    const known = this.#known.get(prompt) ?? (await this.#decoder.decode(task))
    this.#known.set(prompt, known)
    return known
  }
}
