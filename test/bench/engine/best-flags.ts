import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { type LlamaFlags, LlamaFlagsSchema, startingFlags } from './llama-flags.ts'
import { type Searched, searchFlags } from './search-flags.ts'
import type { Cases } from './workloads/workload.ts'

/** Changes when flags that an earlier search found are no longer to be trusted. */
const METHOD = 2
const FoundSchema = z.strictObject({
  method: z.literal(METHOD),
  /** Requests a second of 64 tokens in and out at 16 streams, and with which flags. */
  capacity: z.strictObject({ flags: LlamaFlagsSchema, perSecond: z.number() }).optional(),
  flags: z.record(z.string(), LlamaFlagsSchema),
})

/** The best flags of llama-server by workload, kept in a file that names host, build and model. */
export class BestFlags {
  readonly #file: string
  readonly #slots: number
  #found: z.infer<typeof FoundSchema> = { method: METHOD, flags: {} }

  constructor(file: string, slots: number) {
    this.#file = file
    this.#slots = slots
  }

  /** What another method found is as if it were not there. */
  async load(): Promise<void> {
    const text = await readFile(this.#file, 'utf8').catch(() => undefined)
    const found = text === undefined ? undefined : FoundSchema.safeParse(JSON.parse(text))
    if (found?.success === true) this.#found = found.data
  }

  knows(workload: string): boolean {
    return this.#found.flags[workload] !== undefined
  }

  /** What is known; else what W1 found, whose search is whole; else what was found elsewhere to do well. */
  of(workload: string): LlamaFlags {
    const likely = { ...startingFlags(this.#slots), unified: true, spin: true }
    return this.#found.flags[workload] ?? this.#found.flags['W1'] ?? likely
  }

  /** Undefined where it was not measured, or with other flags. */
  capacityWith(flags: LlamaFlags): number | undefined {
    const { capacity } = this.#found
    return JSON.stringify(capacity?.flags) === JSON.stringify(flags)
      ? capacity?.perSecond
      : undefined
  }

  async keepCapacity(flags: LlamaFlags, perSecond: number): Promise<void> {
    this.#found = { ...this.#found, capacity: { flags, perSecond } }
    await this.#save()
  }

  async search(
    name: string,
    workload: Searched,
    run: (flags: LlamaFlags) => Promise<Cases>,
    tell: (line: string) => void,
  ): Promise<void> {
    const plain = startingFlags(this.#slots)
    const known = this.of(name)
    const from = workload.admits?.(known) === false ? { ...known, parallel: this.#slots } : known
    const told = (line: string) => tell(`${name} ${line}`)
    const best = await searchFlags(workload, { from, plain }, run, told)
    this.#found = { ...this.#found, flags: { ...this.#found.flags, [name]: best } }
    await this.#save()
  }

  async #save(): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true })
    await writeFile(this.#file, JSON.stringify(this.#found, undefined, 2))
  }
}
