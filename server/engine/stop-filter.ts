/** What may be sent of a text whose next part is unknown. `stopped`: a stop string was met. */
export interface Released {
  text: string
  stopped: boolean
}

/**
 * Ends an answer before the first stop string, also when the string spans several tokens: text that
 * may still become a stop string is held back.
 */
export class StopFilter {
  readonly #stops: readonly string[]
  #held = ''

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== '')
  }

  push(text: string): Released {
    const all = this.#held + text
    const at = firstStop(all, this.#stops)
    if (at !== undefined) {
      this.#held = ''
      return { text: all.slice(0, at), stopped: true }
    }
    const keep = heldLength(all, this.#stops)
    this.#held = all.slice(all.length - keep)
    return { text: all.slice(0, all.length - keep), stopped: false }
  }

  /** The answer ended: what was held back is text after all. */
  flush(): string {
    const text = this.#held
    this.#held = ''
    return text
  }
}

/**
 * Where the text ends: before the stop string that is complete first (of those, the longest). So the
 * answer is the same however its text was cut into pieces.
 */
function firstStop(text: string, stops: readonly string[]): number | undefined {
  const found = stops
    .map((stop) => ({ start: text.indexOf(stop), length: stop.length }))
    .filter(({ start }) => start >= 0)
    .sort((a, b) => a.start + a.length - (b.start + b.length) || a.start - b.start)
  return found[0]?.start
}

/** Length of the longest end of `text` that begins a stop string. */
function heldLength(text: string, stops: readonly string[]): number {
  let longest = 0
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(stop.slice(0, length))) longest = length
    }
  }
  return longest
}
