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
const NOTHING: z.infer<typeof FoundSchema> = { method: METHOD, flags: {} }

/** Beside the page: by host, build and model. What another method found is as if it were not there. */
const PublishedSchema = z.record(z.string(), FoundSchema.omit({ capacity: true }).catch(NOTHING))

/** What searches found is kept in `file`, which names host, build and model, and in `published` under that `name`. */
export interface Places {
  file: string
  published?: { file: string; name: string }
}

/** The best flags of llama-server by workload. A search takes a quarter of an hour: found once on a kind of machine, they hold. */
export class BestFlags {
  readonly #places: Places
  readonly #slots: number
  #found: z.infer<typeof FoundSchema> = NOTHING

  constructor(places: Places, slots: number) {
    this.#places = places
    this.#slots = slots
  }

  /** What this machine found, else what another one of its kind found. */
  async load(): Promise<void> {
    const { file, published } = this.#places
    const text = await readFile(file, 'utf8').catch(() => undefined)
    const found = text === undefined ? undefined : FoundSchema.safeParse(JSON.parse(text))
    const own = found?.success === true ? found.data : NOTHING
    const all = published === undefined ? {} : await readPublished(published.file)
    const others = all[published?.name ?? ''] ?? NOTHING
    this.#found = { ...own, flags: { ...others.flags, ...own.flags } }
  }

  /** Puts what is known beside the page. */
  async publish(): Promise<void> {
    const { published } = this.#places
    const { method, flags } = this.#found
    if (published === undefined || Object.keys(flags).length === 0) return
    const all = { ...(await readPublished(published.file)), [published.name]: { method, flags } }
    await writeFile(published.file, `${JSON.stringify(all, undefined, 1)}\n`)
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
    await mkdir(dirname(this.#places.file), { recursive: true })
    await writeFile(this.#places.file, JSON.stringify(this.#found, undefined, 2))
  }
}

async function readPublished(file: string): Promise<z.infer<typeof PublishedSchema>> {
  const text = await readFile(file, 'utf8').catch(() => '{}')
  return PublishedSchema.parse(JSON.parse(text))
}
