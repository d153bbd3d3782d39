/**
 * Which saved states stay: their bytes never exceed a bound. Those used least recently go first, and
 * each hit buys some time: a flood of prompts that come once does not wash out the shared ones. The
 * size does not count: what a state saves (prefill) grows with its bytes, so worth per byte is equal.
 * Pure: it decides, the tier acts.
 */
interface Entry {
  bytes: number
  pinned: boolean
  /** Reads that run now; such an entry is never evicted. */
  readers: number
  hits: number
  /** Lowest goes first. */
  priority: number
  usedAt: number
}

export class SavedEntries {
  readonly #maxBytes: number
  readonly #entries = new Map<number, Entry>()
  #bytes = 0
  /** Priority of the last one evicted: what stays unused sinks below those that come. */
  #floor = 0
  #clock = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Never above the bound. */
  get bytes(): number {
    return this.#bytes
  }

  get count(): number {
    return this.#entries.size
  }

  /**
   * Makes room for `bytes`: returns the ids that are out from now on, those of `instead` (which the
   * new entry serves as well) first. Undefined, and nothing changed, when it cannot fit.
   */
  add(
    id: number,
    bytes: number,
    pinned: boolean,
    instead: readonly number[] = [],
  ): number[] | undefined {
    const victims = this.#victims(bytes, instead)
    if (victims === undefined) return undefined
    for (const victim of victims) this.#evict(victim)
    const entry = { bytes, pinned, readers: 0, hits: 0, priority: 0, usedAt: 0 }
    this.#entries.set(id, entry)
    this.#bytes += bytes
    this.#use(entry)
    return victims
  }

  /** The bytes are known now. Returns the ids that are out for it, `id` itself when it cannot stay. */
  resize(id: number, bytes: number): number[] {
    const entry = this.#entries.get(id)
    if (entry === undefined) return []
    this.#bytes -= entry.bytes
    entry.bytes = 0
    const victims = this.#victims(bytes, [], id)
    if (victims === undefined) {
      this.remove(id)
      return [id]
    }
    for (const victim of victims) this.#evict(victim)
    entry.bytes = bytes
    this.#bytes += bytes
    return victims
  }

  remove(id: number): void {
    this.#bytes -= this.#entries.get(id)?.bytes ?? 0
    this.#entries.delete(id)
  }

  /** False when there is no such entry (any more). Each true needs one `endRead`: until then it stays. */
  startRead(id: number): boolean {
    const entry = this.#entries.get(id)
    if (entry === undefined) return false
    entry.readers++
    return true
  }

  endRead(id: number): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) entry.readers--
  }

  hit(id: number): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    entry.hits++
    this.#use(entry)
  }

  pin(id: number): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) entry.pinned = true
  }

  isPinned(id: number): boolean {
    return this.#entries.get(id)?.pinned ?? false
  }

  #use(entry: Entry): void {
    entry.usedAt = this.#clock++
    entry.priority = this.#floor + Math.log2(2 + entry.hits)
  }

  #evict(id: number): void {
    this.#floor = Math.max(this.#floor, this.#entries.get(id)?.priority ?? 0)
    this.remove(id)
  }

  #victims(bytes: number, instead: readonly number[], keep?: number): number[] | undefined {
    const free = [...this.#entries].filter(
      ([id, entry]) => id !== keep && !entry.pinned && entry.readers === 0,
    )
    const rank = ([id]: [number, Entry]) => (instead.includes(id) ? 0 : 1)
    free.sort(
      (a, b) => rank(a) - rank(b) || a[1].priority - b[1].priority || a[1].usedAt - b[1].usedAt,
    )
    const victims: number[] = []
    let left = this.#bytes + bytes
    for (const [id, entry] of free) {
      if (left <= this.#maxBytes && !instead.includes(id)) break
      victims.push(id)
      left -= entry.bytes
    }
    return left <= this.#maxBytes ? victims : undefined
  }
}
