import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { DIMENSIONS, type LlamaFlags, LlamaFlagsSchema, startingFlags } from './llama-flags.ts'
import type { Workload } from './workloads/workload.ts'

const FoundSchema = z.strictObject({
  /** Requests a second of 64 tokens in and out at 16 streams. */
  capacity: z.number().optional(),
  flags: z.record(z.string(), LlamaFlagsSchema),
})

/** Less than this is noise of one short run: the flags found so far stay. */
const GAIN = 1.02

/** The best flags of llama-server by workload, kept in a file that names host, build and model. */
export class BestFlags {
  readonly #file: string
  readonly #slots: number
  #found: z.infer<typeof FoundSchema> = { flags: {} }

  constructor(file: string, slots: number) {
    this.#file = file
    this.#slots = slots
  }

  async load(): Promise<void> {
    const text = await readFile(this.#file, 'utf8').catch(() => undefined)
    if (text !== undefined) this.#found = FoundSchema.parse(JSON.parse(text))
  }

  knows(workload: string): boolean {
    return this.#found.flags[workload] !== undefined
  }

  /** What is known; else what was found elsewhere to do well. */
  of(workload: string): LlamaFlags {
    const likely = { ...startingFlags(this.#slots), unified: true, spin: true }
    return this.#found.flags[workload] ?? likely
  }

  get capacity(): number | undefined {
    return this.#found.capacity
  }

  async keepCapacity(capacity: number): Promise<void> {
    this.#found = { ...this.#found, capacity }
    await this.#save()
  }

  /** One dimension after the other, each from the best so far. `score`: higher is better. */
  async search(
    name: string,
    { tries }: Workload,
    score: (flags: LlamaFlags) => Promise<number>,
    tell: (line: string) => void,
  ): Promise<void> {
    let best = this.of(name)
    let top = await score(best)
    if (!(top > 0)) throw new Error(`${name}: llama-server answers nothing to compare with`)
    const more = (tries ?? []).map((flags) => [{ more: flags }, { more: [] }])
    for (const changes of [...DIMENSIONS, ...more]) {
      for (const change of changes) {
        const flags = { ...best, ...change }
        if (JSON.stringify(flags) === JSON.stringify(best)) continue
        // A combination that llama-server refuses is no better one.
        const reached = await score(flags).catch(() => 0)
        tell(`${name} ${JSON.stringify(change)}: ${(reached / top).toFixed(3)} of the best so far`)
        // NaN, of a run without an answer, is no gain.
        if (!(reached >= top * GAIN)) continue
        best = flags
        top = reached
      }
    }
    this.#found = { ...this.#found, flags: { ...this.#found.flags, [name]: best } }
    await this.#save()
  }

  async #save(): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true })
    await writeFile(this.#file, JSON.stringify(this.#found, undefined, 2))
  }
}
