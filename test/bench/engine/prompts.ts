import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { run } from '../../../infra/local/command.ts'
import { randomNumbers } from './statistics.ts'

const PoolSchema = z.strictObject({
  /** What the model wants before every prompt. */
  start: z.array(z.int()),
  texts: z.record(z.string(), z.array(z.int())),
  /** As an operator lists it, and the tokens that requests with it begin with. */
  system: z.strictObject({ text: z.string(), tokens: z.array(z.int()) }),
})
type Pool = z.infer<typeof PoolSchema>

const SEAM = 4

/** Prompts of real text, as token ids: the same for every arm, by construction. */
export class Prompts {
  readonly #start: readonly number[]
  readonly #texts: readonly number[][]
  readonly system: Pool['system']

  constructor({ start, texts, system }: Pool) {
    this.system = system
    this.#start = start
    this.#texts = Object.values(texts)
  }

  /** `count` tokens: the model's start and a stretch of text that `seed` chooses. */
  prompt(seed: string, count: number): number[] {
    return [...this.#start, ...this.stretch(seed, count - this.#start.length)]
  }

  /**
   * `count` tokens to follow others. The first few come from another place than the rest: of the
   * places alone two among hundreds of prompts would be the same, and the second one cached.
   */
  stretch(seed: string, count: number): number[] {
    const random = randomNumbers(hash(seed))
    const seam = Math.min(SEAM, count)
    return [...this.#cut(random, seam), ...this.#cut(random, count - seam)]
  }

  #cut(random: () => number, count: number): number[] {
    const fit = this.#texts.filter((text) => text.length > count)
    const text = fit[Math.floor(random() * fit.length)] ?? []
    const at = Math.floor(random() * (text.length - count))
    return text.slice(at, at + count)
  }
}

/** Tokenised once a file of weights, then kept in `folder`. */
export async function loadPrompts(folder: string, file: string, digest: string): Promise<Prompts> {
  const script = join(import.meta.dirname, 'tokenize-texts.ts')
  const version = hash(await readFile(script, 'utf8')).toString(16)
  const cached = join(folder, `texts-${digest.slice(0, 16)}-${version}.json`)
  const known = await readFile(cached, 'utf8').catch(() => undefined)
  if (known !== undefined) return new Prompts(PoolSchema.parse(JSON.parse(known)))
  const printed = await run(process.execPath, [script, file])
  const prompts = new Prompts(PoolSchema.parse(JSON.parse(printed)))
  await mkdir(folder, { recursive: true })
  await writeFile(cached, printed)
  return prompts
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  }
  return value >>> 0
}
